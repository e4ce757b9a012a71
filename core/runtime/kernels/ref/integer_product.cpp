// pare.plan.QLinearConv, QLinearGemm and QLinearMatMul: patches of (x - zero point) as int16, multiplied with the filters'
// integers in int32, bias added, then requantized with the multiplier (x_scale * w_scale[i]) / y_scale in float32.
#include <algorithm>

#include "core/runtime/kernels/ref/conv_geometry.h"
#include "core/runtime/kernels/ref/integer.h"
#include "core/runtime/kernels/ref/integer_dot.h"
#include "core/runtime/kernels/ref/integer_product.h"
#include "core/runtime/kernels/ref/ref.h"

namespace pare {

namespace ref {

IntegerProduct integer_product(const KernelSetup& setup, int64_t axis) {
  const ByteParams x = byte_params(setup, "x", setup.input(0).dtype), y = byte_params(setup, "y", setup.output().dtype);
  setup.check(has_integer_filters(setup.encoded(1), axis), "expected an integer weight");
  IntegerProduct p;
  p.filters = integer_filters(*setup.weights, setup.input(1).constant, axis);
  p.bias.resize(p.filters.scales.size());
  if (setup.has_input(2)) p.bias = integer_bias(*setup.weights, setup.input(2).constant, x.scale, p.filters.scales);
  setup.check(p.bias.size() == p.filters.scales.size() && sums_fit(p.filters, p.bias, 255), "the sums do not fit 32 bits");
  for (float scale : p.filters.scales) p.multipliers.push_back((x.scale * scale) / y.scale);
  p.x_zero_point = x.zero_point;
  p.y_zero_point = y.zero_point;
  p.range = stored_range(setup);
  return p;
}

}  // namespace ref

namespace {

using namespace ref;

// Patches in work at a time on one thread.
constexpr int64_t kPatchBlock = 32;

// Results of one filter for a block of patches, `step` apart in the output.
void run_filter(const IntegerProduct& p, int64_t filter, const int16_t* patches, int64_t count, uint8_t* out, int64_t step) {
  int32_t sums[kPatchBlock];
  const auto f = static_cast<size_t>(filter);
  dot_patches(patches, count, p.filters.rows.data<int16_t>() + filter * p.depth(), p.depth(), p.bias[f], sums);
  for (int64_t i = 0; i < count; ++i) {
    out[i * step] = static_cast<uint8_t>(requantize(sums[i], p.multipliers[f], p.y_zero_point, p.range));
  }
}

int64_t patch_bytes(const KernelSetup& setup, int64_t depth) {
  return checked_product(setup, {setup.threads, kPatchBlock, depth, int64_t{sizeof(int16_t)}});
}

// The patch under output pixel (h, w), in the order of the filter: channel, row, column. Padding is the zero point: 0.
template <class T>
void gather_patch(const ConvGeometry& g, const T* group, int32_t zero_point, int64_t h, int64_t w, int16_t* patch) {
  const int64_t top = h * g.stride_h - g.pad_top, left = w * g.stride_w - g.pad_left;
  for (int64_t c = 0; c < g.in_group(); ++c, group += g.in_plane()) {
    for (int64_t i = 0; i < g.kernel_h; ++i, patch += g.kernel_w) {
      const int64_t row = top + i * g.dilation_h;
      const T* line = group + row * g.in_w;
      for (int64_t j = 0; j < g.kernel_w; ++j) {
        const int64_t column = left + j * g.dilation_w;
        const bool inside = row >= 0 && row < g.in_h && column >= 0 && column < g.in_w;
        patch[j] = inside ? static_cast<int16_t>(line[column] - zero_point) : int16_t{0};
      }
    }
  }
}

template <class T>
void run_conv(const ConvGeometry& g, const IntegerProduct& p, const KernelCall& call) {
  const int64_t blocks = (g.out_plane() + kPatchBlock - 1) / kPatchBlock;
  call.pool.parallel(g.batch * g.groups * blocks, 1, [&](int64_t begin, int64_t end, int thread) {
    auto* patches = reinterpret_cast<int16_t*>(call.workspace) + thread * kPatchBlock * p.depth();
    for (int64_t index = begin; index < end; ++index) {
      const int64_t first = index % blocks * kPatchBlock, group = index / blocks % g.groups, image = index / blocks / g.groups;
      const int64_t count = std::min(kPatchBlock, g.out_plane() - first);
      const T* x = call.in<T>(0) + (image * g.in_channels + group * g.in_group()) * g.in_plane();
      for (int64_t i = 0; i < count; ++i) {
        gather_patch(g, x, p.x_zero_point, (first + i) / g.out_w, (first + i) % g.out_w, patches + i * p.depth());
      }
      for (int64_t o = group * g.out_group(); o < (group + 1) * g.out_group(); ++o) {
        run_filter(p, o, patches, count, call.out<uint8_t>() + (image * g.out_channels + o) * g.out_plane() + first, 1);
      }
    }
  });
}

BoundKernel bind_conv(const KernelSetup& setup) {
  const ConvGeometry g = conv_geometry(setup);
  const IntegerProduct p = integer_product(setup, 0);
  setup.check(p.depth() == g.depth(), "the weight does not fit");
  return dispatch_bytes(setup, setup.input(0).dtype, [&](auto zero) -> BoundKernel {
    using T = decltype(zero);
    return {[g, p](const KernelCall& call) { run_conv<T>(g, p, call); }, patch_bytes(setup, p.depth()), {1, 2}};
  });
}

template <class T>
void run_gemm(int64_t rows, const IntegerProduct& p, const KernelCall& call) {
  const int64_t blocks = (rows + kPatchBlock - 1) / kPatchBlock, outputs = p.filters.rows.dim(0), depth = p.depth();
  call.pool.parallel(blocks, 1, [&](int64_t begin, int64_t end, int thread) {
    auto* patches = reinterpret_cast<int16_t*>(call.workspace) + thread * kPatchBlock * depth;
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kPatchBlock, count = std::min(kPatchBlock, rows - first);
      const T* x = call.in<T>(0) + first * depth;
      for (int64_t i = 0; i < count * depth; ++i) patches[i] = static_cast<int16_t>(x[i] - p.x_zero_point);
      for (int64_t o = 0; o < outputs; ++o) {
        run_filter(p, o, patches, count, call.out<uint8_t>() + first * outputs + o, outputs);
      }
    }
  });
}

// x [..., K] times a weight matrix: [N, K] with transB, else [K, N].
BoundKernel bind_gemm(const KernelSetup& setup) {
  setup.check(setup.input(1).rank() == 2 && setup.input(0).rank() >= 1, fmt("expected a matrix, got {}", setup.input(1).shape));
  const bool transposed = setup.attrs().integer("transB", 0) != 0;
  const IntegerProduct p = integer_product(setup, transposed ? 0 : 1);
  setup.check(setup.input(0).dim(-1) == p.depth() && p.depth() > 0, fmt("expected rows of {}, got {}", p.depth(), setup.input(0).shape));
  const int64_t rows = setup.input(0).numel / p.depth();
  setup.check(setup.output().numel == checked_product(setup, {rows, p.filters.rows.dim(0)}), "the output has another size");
  return dispatch_bytes(setup, setup.input(0).dtype, [&](auto zero) -> BoundKernel {
    using T = decltype(zero);
    return {[rows, p](const KernelCall& call) { run_gemm<T>(rows, p, call); }, patch_bytes(setup, p.depth()), {1, 2}};
  });
}

}  // namespace

void add_integer_product_kernels(KernelTable& table) {
  table.add({"pare.plan.QLinearConv", "ref.qlinear_conv", Isa::kScalar, bind_conv});
  table.add({"pare.plan.QLinearGemm", "ref.qlinear_gemm", Isa::kScalar, bind_gemm});
  table.add({"pare.plan.QLinearMatMul", "ref.qlinear_matmul", Isa::kScalar, bind_gemm});
}

}  // namespace pare
