#pragma once
// Operators of the domain `pare.plan`: 8-bit integers on both sides. Attributes of all: y_scale, y_zero_point, and low, high,
// the inclusive bounds of the stored result (a Relu or Clip narrows them).

#include "core/base/quant_math.h"
#include "core/runtime/kernels/ref/helpers.h"

namespace pare::ref {

/// One scale and zero point of a tensor of bytes.
struct ByteParams {
  float scale = 1.0f;
  int32_t zero_point = 0;
};
/// Attributes `<prefix>_scale` and `<prefix>_zero_point`, checked against the element type (kU8 or kI8).
ByteParams byte_params(const KernelSetup& setup, const std::string& prefix, DType dtype);
/// Attributes low and high, inside the range of the output's type.
QRange stored_range(const KernelSetup& setup);

/// Calls f with a zero of the byte type.
template <class F>
auto dispatch_bytes(const KernelSetup& setup, DType dtype, F&& f) {
  if (dtype == DType::kU8) return f(uint8_t{});
  setup.check(dtype == DType::kI8, fmt("expected element type U8 or I8, got {}", dtype));
  return f(int8_t{});
}

}  // namespace pare::ref
