#include "core/runtime/kernels/ref/conv_geometry.h"

#include "core/runtime/kernels/ref/helpers.h"

namespace pare::ref {
namespace {

// Keeps every later product of an extent, a stride and a dilation far from overflow.
constexpr int64_t kMaxExtent = int64_t{1} << 24;

struct Window {
  std::vector<int64_t> kernel, strides, dilations, pads;
};

std::vector<int64_t> per_dim(const KernelSetup& setup, const char* name, size_t count, int64_t fallback, int64_t low) {
  const std::vector<int64_t> values = setup.attrs().integers(name, std::vector<int64_t>(count, fallback));
  setup.check(values.size() == count, fmt("expected {} values for {}, got {}", count, name, values));
  for (int64_t value : values) {
    setup.check(value >= low && value <= kMaxExtent, fmt("expected values >= {} for {}, got {}", low, name, values));
  }
  return values;
}

Window window_of(const KernelSetup& setup, const Shape& in, std::vector<int64_t> kernel) {
  const size_t dims = in.size() - 2;
  Window w;
  w.kernel = std::move(kernel);
  for (int64_t extent : w.kernel) {
    setup.check(extent >= 1 && extent <= kMaxExtent, fmt("expected a kernel shape >= 1, got {}", w.kernel));
  }
  w.strides = per_dim(setup, "strides", dims, 1, 1);
  w.dilations = per_dim(setup, "dilations", dims, 1, 1);
  w.pads = per_dim(setup, "pads", 2 * dims, 0, 0);
  return w;
}

const Shape& spatial_input(const KernelSetup& setup) {
  const Shape& in = setup.input(0).shape;
  setup.check(in.size() == 3 || in.size() == 4, fmt("expected an input [N, C, W] or [N, C, H, W], got {}", in));
  for (int64_t extent : in) setup.check(extent <= kMaxExtent, fmt("the input {} is too large", in));
  return in;
}

ConvGeometry assemble(const Shape& in, const Shape& out, const Window& w) {
  ConvGeometry g;
  g.batch = in[0];
  g.in_channels = in[1];
  g.out_channels = out[1];
  const size_t dims = in.size() - 2, x = dims - 1;
  if (dims == 2) {
    g.in_h = in[2], g.out_h = out[2], g.kernel_h = w.kernel[0], g.stride_h = w.strides[0];
    g.dilation_h = w.dilations[0], g.pad_top = w.pads[0], g.pad_bottom = w.pads[2];
  }
  g.in_w = in.back(), g.out_w = out.back(), g.kernel_w = w.kernel[x], g.stride_w = w.strides[x];
  g.dilation_w = w.dilations[x], g.pad_left = w.pads[x], g.pad_right = w.pads[dims + x];
  return g;
}

void check_output(const KernelSetup& setup, const Shape& in, int64_t channels) {
  const Shape& out = setup.output().shape;
  setup.check(out.size() == in.size() && out[0] == in[0] && out[1] == channels,
              fmt("expected an output of {} channels for input {}, got {}", channels, in, out));
  for (int64_t extent : out) setup.check(extent <= kMaxExtent, fmt("the output {} is too large", out));
}

ConvGeometry weighted(const KernelSetup& setup, bool transposed) {
  const Shape& in = spatial_input(setup);
  const Shape& weight = setup.input(1).shape;
  setup.check(weight.size() == in.size(), fmt("expected a weight of rank {}, got {}", in.size(), weight));
  const std::vector<int64_t> kernel(weight.begin() + 2, weight.end());
  setup.check(setup.attrs().integers("kernel_shape", kernel) == kernel, fmt("expected kernel_shape to match the weight {}", weight));
  const int64_t groups = setup.attrs().integer("group", 1);
  setup.check(groups >= 1 && in[1] % groups == 0, fmt("expected groups that divide {} channels, got {}", in[1], groups));
  const int64_t in_group = in[1] / groups;
  if (transposed) setup.check(weight[0] == in[1], fmt("expected a weight of {} input channels, got {}", in[1], weight));
  else setup.check(weight[1] == in_group && weight[0] % groups == 0,
                   fmt("expected a weight [k * {}, {}, ...], got {}", groups, in_group, weight));
  const int64_t channels = transposed ? checked_product(setup, {weight[1], groups}) : weight[0];
  check_output(setup, in, channels);
  if (setup.has_input(2)) expect_shape(setup, setup.input(2), {channels}, "the bias");
  ConvGeometry g = assemble(in, setup.output().shape, window_of(setup, in, kernel));
  g.groups = groups;
  checked_product(setup, {g.in_group(), g.kernel_h, g.kernel_w, g.out_channels});
  return g;
}

}  // namespace

ConvGeometry conv_geometry(const KernelSetup& setup) { return weighted(setup, false); }

ConvGeometry conv_transpose_geometry(const KernelSetup& setup) { return weighted(setup, true); }

ConvGeometry pool_geometry(const KernelSetup& setup) {
  const Shape& in = spatial_input(setup);
  const std::vector<int64_t> kernel = setup.attrs().integers("kernel_shape");
  setup.check(kernel.size() == in.size() - 2, fmt("expected {} values for kernel_shape, got {}", in.size() - 2, kernel));
  check_output(setup, in, in[1]);
  return assemble(in, setup.output().shape, window_of(setup, in, kernel));
}

}  // namespace pare::ref
