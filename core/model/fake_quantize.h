#pragma once

#include <ATen/core/Tensor.h>

#include "core/base/quant_math.h"

namespace pare {

/// quantize then dequantize by the arithmetic of core/base/quant_math.h (true division, half to even); the gradient
/// passes unchanged where x quantizes inside `range` and is zero where it clips (straight-through estimator, Bengio et
/// al., 1308.3432). `scale` float and `zero_point` integer broadcast to `x` and get no gradient. NaN stays NaN, so that
/// a broken training run is noticed.
at::Tensor fake_quantize(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& zero_point, QRange range);

}  // namespace pare
