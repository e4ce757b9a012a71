#pragma once

#include "core/runtime/cuda/kernels/simt.h"
#include "core/runtime/cuda/plugin.h"

namespace pare::cuda {

/// Where the window of one output pixel starts in the channels of its group; outside of the output: `valid` is false.
struct Corner {
  int64_t base = 0;
  int32_t row = 0, column = 0;
  bool valid = false;
};

/// `pixel` counts through [batch, out_h, out_w].
PARE_DEVICE Corner corner_of(const Window& w, int64_t group, int64_t pixel) {
  const int64_t plane = static_cast<int64_t>(w.out_h) * w.out_w, image = pixel / plane, rest = pixel % plane;
  Corner out;
  out.valid = image < w.batch;
  out.row = static_cast<int32_t>(rest / w.out_w) * w.stride_h - w.pad_top;
  out.column = static_cast<int32_t>(rest % w.out_w) * w.stride_w - w.pad_left;
  const int64_t channel = image * w.in_channels + group * (w.in_channels / w.groups);
  out.base = (channel * w.in_h + out.row) * w.in_w + out.column;
  return out;
}

PARE_DEVICE bool is_inside(const Window& w, const Corner& corner, const Tap& tap) {
  const int32_t row = corner.row + tap.row, column = corner.column + tap.column;
  return corner.valid && row >= 0 && row < w.in_h && column >= 0 && column < w.in_w;
}

/// Offset of an output element.
PARE_DEVICE int64_t output_at(const Window& w, int64_t channel, int64_t pixel) {
  const int64_t plane = static_cast<int64_t>(w.out_h) * w.out_w;
  return (pixel / plane * w.out_channels + channel) * plane + pixel % plane;
}

inline int64_t pixels_of(const Window& w) { return static_cast<int64_t>(w.batch) * w.out_h * w.out_w; }

}  // namespace pare::cuda
