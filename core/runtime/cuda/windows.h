#pragma once

#include "core/runtime/cuda/plugin.h"
#include "core/runtime/kernels/ref/conv_geometry.h"

namespace pare::cuda_binding {

/// Whether offsets fit the 32 bits of the device's windows and taps, and blocks its grids.
bool fits_device(const ref::ConvGeometry& g);
cuda::Window window_of(const ref::ConvGeometry& g);
/// kI32 [padded, 3]: a cuda::Tap for each product in the order channel, row, column; those behind the depth are outside.
Tensor taps_of(const ref::ConvGeometry& g, int64_t padded);

}  // namespace pare::cuda_binding
