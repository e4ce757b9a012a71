#include "core/runtime/cuda/windows.h"

#include <limits>

namespace pare::cuda_binding {

bool fits_device(const ref::ConvGeometry& g) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max() / 2, kMostBlocks = 65535;
  // Extents are below 2^24 each: no product of two overflows.
  for (const int64_t extent : {g.batch, g.in_channels, g.out_channels, g.in_h, g.in_w, g.out_h, g.out_w}) {
    if (extent > kMost) return false;
  }
  const int64_t reach = (g.kernel_h - 1) * g.dilation_h * g.in_w + (g.kernel_w - 1) * g.dilation_w;
  const int64_t planes = g.in_plane() > 0 ? g.in_group() <= kMost / g.in_plane() : true;
  const bool shallow = g.kernel_h <= kMost / std::max<int64_t>(g.in_group() * g.kernel_w, 1);
  return planes && shallow && reach <= kMost - g.in_group() * g.in_plane() && g.groups <= kMostBlocks && g.depth() > 0 &&
         g.out_h * g.stride_h < cuda::kNoTap && g.out_w * g.stride_w < cuda::kNoTap && g.out_group() <= kMostBlocks * 64;
}

cuda::Window window_of(const ref::ConvGeometry& g) {
  const auto i = [](int64_t value) { return static_cast<int32_t>(value); };
  return {i(g.batch),    i(g.in_channels), i(g.out_channels), i(g.groups),     i(g.in_h),       i(g.in_w),
          i(g.out_h),    i(g.out_w),       i(g.kernel_h),     i(g.kernel_w),   i(g.stride_h),   i(g.stride_w),
          i(g.dilation_h), i(g.dilation_w), i(g.pad_top),     i(g.pad_left),   i(g.pad_bottom), i(g.pad_right)};
}

Tensor taps_of(const ref::ConvGeometry& g, int64_t padded) {
  Tensor out(DType::kI32, {padded, 3});
  auto* tap = reinterpret_cast<cuda::Tap*>(out.mutable_data<int32_t>());
  const auto add = [&](int64_t offset, int64_t row, int64_t column) {
    *tap++ = {static_cast<int32_t>(offset), static_cast<int32_t>(row), static_cast<int32_t>(column)};
  };
  for (int64_t c = 0; c < g.in_group(); ++c) {
    for (int64_t i = 0; i < g.kernel_h; ++i) {
      for (int64_t j = 0; j < g.kernel_w; ++j) {
        const int64_t row = i * g.dilation_h, column = j * g.dilation_w;
        add(c * g.in_plane() + row * g.in_w + column, row, column);
      }
    }
  }
  for (int64_t k = g.depth(); k < padded; ++k) add(0, cuda::kNoTap, cuda::kNoTap);
  return out;
}

}  // namespace pare::cuda_binding
