// Conv and ConvTranspose, float32: the patches of a block of output pixels are gathered as a panel [depth][pixels], and the
// filters of the group are multiplied with it.
#include <algorithm>
#include <cstring>

#include "core/runtime/kernels/ref/conv_geometry.h"
#include "core/runtime/kernels/ref/gemm_panel.h"
#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/ref/ref.h"

namespace pare {
namespace {

using namespace ref;

// Fills one panel row: the input pixels under one kernel tap, for output pixels [first, first + count) of a plane.
using GatherTap = void (*)(const ConvGeometry& g, const float* plane, int64_t tap_h, int64_t tap_w, int64_t first,
                           int64_t count, float* row);

void gather_conv(const ConvGeometry& g, const float* plane, int64_t tap_h, int64_t tap_w, int64_t first, int64_t count,
                 float* row) {
  for (int64_t done = 0; done < count;) {
    const int64_t out_h = (first + done) / g.out_w, out_w = (first + done) % g.out_w;
    const int64_t width = std::min(g.out_w - out_w, count - done);
    const int64_t in_h = out_h * g.stride_h - g.pad_top + tap_h * g.dilation_h;
    const int64_t start = out_w * g.stride_w - g.pad_left + tap_w * g.dilation_w;
    // Output pixels [low, high) of this line read inside the input.
    const bool inside = in_h >= 0 && in_h < g.in_h;
    const int64_t low = inside ? std::clamp<int64_t>((g.stride_w - 1 - start) / g.stride_w, 0, width) : width;
    const int64_t high = std::clamp<int64_t>((g.in_w - start + g.stride_w - 1) / g.stride_w, low, width);
    const float* line = plane + in_h * g.in_w + start;
    std::fill(row + done, row + done + low, 0.0f);
    if (g.stride_w == 1) std::copy(line + low, line + high, row + done + low);
    else for (int64_t i = low; i < high; ++i) row[done + i] = line[i * g.stride_w];
    std::fill(row + done + high, row + done + width, 0.0f);
    done += width;
  }
}

// Output pixel o reads the input pixel i with i * stride + tap * dilation - pad = o, if there is one.
void gather_transposed(const ConvGeometry& g, const float* plane, int64_t tap_h, int64_t tap_w, int64_t first,
                       int64_t count, float* row) {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t h = (first + i) / g.out_w + g.pad_top - tap_h * g.dilation_h;
    const int64_t w = (first + i) % g.out_w + g.pad_left - tap_w * g.dilation_w;
    const bool hit = h >= 0 && w >= 0 && h % g.stride_h == 0 && w % g.stride_w == 0 && h / g.stride_h < g.in_h &&
                     w / g.stride_w < g.in_w;
    row[i] = hit ? plane[h / g.stride_h * g.in_w + w / g.stride_w] : 0.0f;
  }
}

// A block of output pixels of one image and group.
struct Block {
  int64_t image, group, first, count;
};

Block block_at(const ConvGeometry& g, int64_t index) {
  const int64_t blocks = (g.out_plane() + kPanelColumns - 1) / kPanelColumns;
  const int64_t first = index % blocks * kPanelColumns;
  index /= blocks;
  return {index / g.groups, index % g.groups, first, std::min(kPanelColumns, g.out_plane() - first)};
}

void gather_panel(const ConvGeometry& g, const Block& b, GatherTap gather, const float* x, float* panel) {
  const float* group = x + (b.image * g.in_channels + b.group * g.in_group()) * g.in_plane();
  float* row = panel;
  for (int64_t c = 0; c < g.in_group(); ++c) {
    for (int64_t h = 0; h < g.kernel_h; ++h) {
      for (int64_t w = 0; w < g.kernel_w; ++w, row += kPanelColumns) {
        gather(g, group + c * g.in_plane(), h, w, b.first, b.count, row);
        std::fill(row + b.count, row + kPanelColumns, 0.0f);
      }
    }
  }
}

// weights: [O, depth]
void run_conv(const ConvGeometry& g, GatherTap gather, const KernelCall& call, const float* weights, const float* bias) {
  const int64_t blocks = (g.out_plane() + kPanelColumns - 1) / kPanelColumns;
  call.pool.parallel(g.batch * g.groups * blocks, 1, [&](int64_t begin, int64_t end, int thread) {
    float* panel = reinterpret_cast<float*>(call.workspace) + thread * g.depth() * kPanelColumns;
    for (int64_t index = begin; index < end; ++index) {
      const Block b = block_at(g, index);
      gather_panel(g, b, gather, call.in<float>(0), panel);
      const int64_t channel = b.group * g.out_group();
      float* out = call.out<float>() + (b.image * g.out_channels + channel) * g.out_plane() + b.first;
      multiply_panel(weights + channel * g.depth(), g.depth(), g.out_group(), panel, g.depth(),
                     bias ? bias + channel : nullptr, out, g.out_plane(), b.count);
    }
  });
}

int64_t panel_bytes(const KernelSetup& setup, const ConvGeometry& g) {
  return checked_product(setup, {setup.threads, g.depth(), kPanelColumns, int64_t{sizeof(float)}});
}

BoundKernel bind_conv(const KernelSetup& setup) {
  expect_dtype(setup, DType::kF32, 0, 2);
  const ConvGeometry g = conv_geometry(setup);
  const bool biased = setup.has_input(2);
  return {[g, biased](const KernelCall& call) {
            run_conv(g, gather_conv, call, call.in<float>(1), biased ? call.in<float>(2) : nullptr);
          },
          panel_bytes(setup, g)};
}

// [C, O/groups, taps] -> [O, C/groups, taps]
void transpose_weight(const ConvGeometry& g, const float* from, float* to) {
  const int64_t taps = g.kernel_h * g.kernel_w;
  for (int64_t o = 0; o < g.out_channels; ++o) {
    const int64_t group = o / g.out_group(), inside = o % g.out_group();
    for (int64_t c = 0; c < g.in_group(); ++c, to += taps) {
      const float* filter = from + ((group * g.in_group() + c) * g.out_group() + inside) * taps;
      std::copy(filter, filter + taps, to);
    }
  }
}

BoundKernel bind_conv_transpose(const KernelSetup& setup) {
  expect_dtype(setup, DType::kF32, 0, 2);
  const ConvGeometry g = conv_transpose_geometry(setup);
  setup.check(setup.is_constant(1), "expected a constant weight");
  const Tensor weights = setup.packed(1, fmt("transposed.{}", g.groups), [&] {
    Tensor out(DType::kF32, setup.input(1).shape);
    transpose_weight(g, setup.constant(1).data<float>(), out.mutable_data<float>());
    return out;
  });
  const Tensor bias = setup.is_constant(2) ? setup.constant(2) : Tensor();
  setup.check(!setup.has_input(2) || bias.defined(), "expected a constant bias");
  return {[g, weights, bias](const KernelCall& call) {
            run_conv(g, gather_transposed, call, weights.data<float>(), bias.defined() ? bias.data<float>() : nullptr);
          },
          panel_bytes(setup, g), {1, 2}};
}

}  // namespace

void add_conv_kernels(KernelTable& table) {
  table.add({"Conv", "ref.conv", Isa::kScalar, bind_conv});
  table.add({"ConvTranspose", "ref.conv_transpose", Isa::kScalar, bind_conv_transpose});
}

}  // namespace pare
