#pragma once

#include "core/runtime/integer_weights.h"
#include "core/runtime/kernels/ref/integer.h"

namespace pare::ref {

/// The constant side of pare.plan.QLinearConv, QLinearGemm and QLinearMatMul: bytes times filters, exact in int32, then
/// requantized with the multiplier (x_scale * w_scale[i]) / y_scale in float32.
struct IntegerProduct {
  IntegerFilters filters;
  std::vector<int32_t> bias;         ///< one a filter
  std::vector<float> multipliers;    ///< one a filter
  int32_t x_zero_point = 0, y_zero_point = 0;
  QRange range;

  int64_t depth() const { return filters.depth; }
};

/// `axis`: the weight's output channels. Throws ModelError unless weight and bias have integer forms whose sums fit int32.
IntegerProduct integer_product(const KernelSetup& setup, int64_t axis);

}  // namespace pare::ref
