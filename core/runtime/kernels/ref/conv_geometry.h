#pragma once

#include "core/runtime/kernel.h"

namespace pare::ref {

/// Checked geometry of a convolution or pool over [N, C, H, W]; one spatial dim counts as height 1.
struct ConvGeometry {
  int64_t batch = 0, in_channels = 0, out_channels = 0, groups = 1;
  int64_t in_h = 1, in_w = 1, out_h = 1, out_w = 1;
  int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_left = 0;
  int64_t pad_bottom = 0, pad_right = 0;

  int64_t in_plane() const { return in_h * in_w; }
  int64_t out_plane() const { return out_h * out_w; }
  int64_t in_group() const { return in_channels / groups; }
  int64_t out_group() const { return out_channels / groups; }
  /// Products summed for one output element.
  int64_t depth() const { return in_group() * kernel_h * kernel_w; }
};

/// Conv: x [N, C, ...], weight [O, C/groups, ...]. Fails with ModelError when attributes and shapes disagree.
ConvGeometry conv_geometry(const KernelSetup& setup);
/// ConvTranspose: weight [C, O/groups, ...].
ConvGeometry conv_transpose_geometry(const KernelSetup& setup);
/// MaxPool and AveragePool.
ConvGeometry pool_geometry(const KernelSetup& setup);

}  // namespace pare::ref
