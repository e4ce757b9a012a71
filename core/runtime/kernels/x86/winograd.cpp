// Conv 3x3 with stride 1, float32, by Winograd's F(4x4, 3x3): panels of 16 tiles are transformed, multiplied with the
// transformed filters for each of the 36 places of a tile, and transformed back.
//
// Rounding: with independent errors of at most u = 2^-24 in each product and sum, the error of an output has the standard
// deviation f u C rms(x) rms(w) / sqrt(6), where f, the largest sum of A_k^2 |G_k|^2 |B_k|^2 over the six points, is 21.4. A
// direct sum has f = 9; at the points 0, +-1, +-2 and infinity it would be 94.3.
#include <cmath>
#include <limits>

#include "core/runtime/kernels/x86/conv_schedule.h"
#include "core/runtime/kernels/x86/x86.h"

namespace pare::x86 {
namespace {

constexpr int64_t kPlaces = 36;
// Thinner layers spend their time in the transforms.
constexpr int64_t kLeastChannels = 32;
// Direct products per transformed one from which the transforms pay.
constexpr double kLeastGain = 1.6;

// A convolution over tiles: each output pixel of this geometry is a tile, whose 6 x 6 inputs overlap by 2.
ref::ConvGeometry tiles_of(ref::ConvGeometry g) {
  g.out_h = (g.out_h + 3) / 4, g.out_w = (g.out_w + 3) / 4;
  g.kernel_h = g.kernel_w = 6;
  g.stride_h = g.stride_w = 4;
  return g;
}

struct Winograd : ConvSchedule {
  const FloatKernels& kernels;
  ref::ConvGeometry direct;
  Tensor filters;  // [36] packed matrices [outputs, channels]
  bool biased = false, added = false;
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();

  Winograd(const ref::ConvGeometry& geometry, const FloatKernels& k)
      : ConvSchedule(tiles_of(geometry), k.columns, false), kernels(k), direct(geometry) {}
  // Floats of one panel at all places.
  int64_t input_size() const { return kPlaces * g.in_channels * columns; }
  int64_t output_size() const { return kPlaces * g.out_channels * columns; }
};

// u = G w G^T.
void transform_filter(const float* w, double* u) {
  const double root = std::sqrt(2.0);
  const double g[6][3] = {{1, 0, 0},
                          {-2 / 3.0, -root / 3, -1 / 3.0},
                          {-2 / 3.0, root / 3, -1 / 3.0},
                          {1 / 6.0, root / 6, 1 / 3.0},
                          {1 / 6.0, -root / 6, 1 / 3.0},
                          {0, 0, 1}};
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 6; ++j) {
      double sum = 0.0;
      for (int a = 0; a < 3; ++a) {
        for (int b = 0; b < 3; ++b) sum += g[i][a] * w[3 * a + b] * g[j][b];
      }
      u[6 * i + j] = sum;
    }
  }
}

Tensor transform_filters(const Winograd& c, const Tensor& dense) {
  const int64_t count = c.g.out_channels * c.g.in_channels;
  Tensor places(DType::kF32, {kPlaces, count}), packed(DType::kF32, {kPlaces, count});
  float *to = places.mutable_data<float>(), *out = packed.mutable_data<float>();
  for (int64_t i = 0; i < count; ++i) {
    double u[kPlaces];
    transform_filter(dense.data<float>() + 9 * i, u);
    for (int64_t p = 0; p < kPlaces; ++p) to[p * count + i] = static_cast<float>(u[p]);
  }
  for (int64_t p = 0; p < kPlaces; ++p)
    pack_left(to + p * count, c.g.out_channels, c.g.in_channels, c.kernels.rows, out + p * count);
  return packed;
}

void transform_panel(const Winograd& c, const float* planes, const PixelPanel& panel, float* taps, float* inputs) {
  int32_t pixels[kMaxColumns];
  c.planes.locate(panel, c.columns, true, pixels);
  for (int64_t channel = 0; channel < c.g.in_channels; ++channel) {
    c.kernels.gather(planes + channel * c.planes.channel_size(), c.planes.offsets().data(), kPlaces, pixels, true,
                     taps);
    c.kernels.winograd_input(taps, c.g.in_channels * c.columns, inputs + channel * c.columns);
  }
}

// All places of the panels; a place's filters are loaded once for them.
void multiply_panels(const Winograd& c, const ConvSchedule::Item& work, const float* inputs, float* outputs) {
  FloatTile tile;
  tile.out_row = c.columns;
  const int64_t channels = c.g.in_channels, block = depth_block(channels);
  for (int64_t item = 0; item < kPlaces * channels; item += std::min(block, channels - item % channels)) {
    const int64_t place = item / channels, first = item % channels;
    const float* filters = c.filters.data<float>() + place * c.g.out_channels * channels;
    tile.depth = std::min(block, channels - first);
    tile.resume = first > 0;
    for (int64_t row = work.begin; row < work.end; row += c.kernels.rows) {
      const int rows = static_cast<int>(std::min<int64_t>(c.kernels.rows, c.g.out_channels - row));
      tile.left = filters + row * channels + first * rows;
      for (int64_t i = 0; i < work.count; ++i) {
        tile.panel = inputs + i * c.input_size() + item * c.columns;
        tile.out = outputs + i * c.output_size() + (place * c.g.out_channels + row) * c.columns;
        c.kernels.multiply(tile, rows, c.columns);
      }
    }
  }
}

void finish_panel(const Winograd& c, const ConvSchedule::Item& item, const PixelPanel& panel, const float* sums,
                  const float* bias, const float* residual, float* out) {
  WinogradOutput o;
  o.step = c.g.out_channels * c.columns;
  o.first = panel.first, o.count = panel.count;
  o.tiles_w = c.g.out_w, o.height = c.direct.out_h, o.width = c.direct.out_w;
  o.low = c.low, o.high = c.high;
  for (int64_t channel = item.begin; channel < item.end; ++channel) {
    o.sums = sums + channel * c.columns;
    o.start = bias ? bias[channel] : 0.0f;
    o.residual = residual ? residual + channel * c.direct.out_plane() : nullptr;
    o.out = out + channel * c.direct.out_plane();
    c.kernels.winograd_output(o);
  }
}

void run_winograd(const Winograd& c, const KernelCall& call) {
  const auto copy = [&](int64_t image, int64_t begin, int64_t end, std::byte* planes) {
    for (int64_t channel = begin; channel < end; ++channel) {
      c.planes.copy_channel(call.in<float>(0) + (image * c.g.in_channels + channel) * c.g.in_plane(),
                            reinterpret_cast<float*>(planes) + channel * c.planes.channel_size(), 0.0f,
                            c.kernels.copy);
    }
  };
  c.run(call, copy, [&](int64_t image, const std::byte* planes, int64_t begin, int64_t end, std::byte* memory) {
    auto* taps = reinterpret_cast<float*>(memory);
    float *inputs = taps + kPlaces * c.columns, *outputs = inputs + c.group_panels * c.input_size();
    const int64_t place = image * c.g.out_channels * c.direct.out_plane();
    for (int64_t index = begin; index < end; ++index) {
      const ConvSchedule::Item item = c.item_at(index);
      for (int64_t i = 0; i < item.count; ++i) {
        transform_panel(c, reinterpret_cast<const float*>(planes), c.panel_at(item.first + i), taps,
                        inputs + i * c.input_size());
      }
      multiply_panels(c, item, inputs, outputs);
      for (int64_t i = 0; i < item.count; ++i) {
        finish_panel(c, item, c.panel_at(item.first + i), outputs + i * c.output_size(),
                     c.biased ? call.in<float>(2) : nullptr, c.added ? call.in<float>(3) + place : nullptr,
                     call.out<float>() + place);
      }
    }
  });
}

BoundKernel bind_winograd(const KernelSetup& setup, const FloatKernels& kernels) {
  auto c = std::make_shared<Winograd>(ref::conv_geometry(setup), kernels);
  c->element = sizeof(float);
  c->threads = setup.threads;
  // The filters of one place, against the second-level cache.
  if (c->g.out_channels * c->g.in_channels * c->element > kCachedFilterBytes / 4) c->group_panels = kPanelGroup;
  c->group_panels = std::min(c->group_panels, c->panels());
  c->split_filters(kernels.rows);
  c->panel_size = kPlaces * c->columns + c->group_panels * (c->input_size() + c->output_size());
  c->biased = setup.has_input(2), c->added = setup.has_input(3);
  if (c->added) ref::expect_shape(setup, setup.input(3), setup.output().shape, "the residual");
  c->low = static_cast<float>(setup.attrs().number("low", c->low));
  c->high = static_cast<float>(setup.attrs().number("high", c->high));
  c->filters =
      setup.packed(1, fmt("winograd4.{}", kernels.rows), [&] { return transform_filters(*c, setup.constant(1)); });
  return {[c](const KernelCall& call) { run_winograd(*c, call); }, c->workspace(setup), {1}};
}

bool fits_winograd(const KernelSetup& setup, int64_t columns) {
  if (!setup.winograd || !are_floats(setup) || !setup.is_constant(1)) return false;
  const ref::ConvGeometry g = ref::conv_geometry(setup);
  const bool plain = g.kernel_h == 3 && g.kernel_w == 3 && g.stride_h == 1 && g.stride_w == 1 && g.dilation_h == 1 &&
                     g.dilation_w == 1;
  if (!plain || g.groups != 1 || g.in_channels < kLeastChannels || g.out_channels < kLeastChannels ||
      !Planes::fits(tiles_of(g)))
    return false;
  const auto panels = [&](int64_t pixels) { return static_cast<double>((pixels + columns - 1) / columns); };
  return 9.0 * panels(g.out_plane()) >= kLeastGain * kPlaces * panels(tiles_of(g).out_plane());
}

}  // namespace

void add_winograd_kernels(KernelTable& table, const Level& level) {
  const auto bind = [&kernels = level.floats](const KernelSetup& setup) { return bind_winograd(setup, kernels); };
  const auto fits = [columns = level.floats.columns](const KernelSetup& setup) { return fits_winograd(setup, columns); };
  table.add({.op = "Conv",
             .name = level.name("winograd"),
             .isa = level.isa,
             .bind = bind,
             .accepts = fits,
             .fused = "pare.plan.FusedConv"});
  table.add({.op = "pare.plan.FusedConv",
             .name = level.name("fused_winograd"),
             .isa = level.isa,
             .bind = bind,
             .accepts = fits});
}

}  // namespace pare::x86
