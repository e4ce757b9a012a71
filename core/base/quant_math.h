#pragma once
// The one quantization arithmetic of the toolkit: chains, FakeQuant, exporters and kernels all call these.
// Compiled with -ffp-contract=off everywhere; at::fake_quantize* multiplies by 1/scale and differs on near-ties.

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace pare {

/// Inclusive integer range of a quantized type.
struct QRange {
  int32_t low = 0;
  int32_t high = 255;
};

/// Range of `bits`-bit integers, bits in [1, 32] (unsigned: [1, 31]); a symmetric signed range drops its minimum, so
/// that -128 never appears.
constexpr QRange qrange(int bits, bool is_signed, bool symmetric) {
  if (!is_signed) return {0, static_cast<int32_t>((int64_t{1} << bits) - 1)};
  const int32_t high = static_cast<int32_t>((int64_t{1} << (bits - 1)) - 1);
  return {symmetric ? -high : -high - 1, high};
}

/// q = clamp(nearbyint(x / scale) + zero_point): half to even, true division. NaN quantizes to the zero point.
inline int32_t quantize(float x, float scale, int32_t zero_point, QRange range) {
  const float q = std::nearbyintf(x / scale) + static_cast<float>(zero_point);
  if (!(q == q)) return std::clamp(zero_point, range.low, range.high);
  if (q <= static_cast<float>(range.low)) return range.low;
  if (q >= static_cast<float>(range.high)) return range.high;
  return static_cast<int32_t>(q);
}

inline float dequantize(int32_t q, float scale, int32_t zero_point) {
  return static_cast<float>(q - zero_point) * scale;
}

/// Quantize then dequantize: what fake quantization shows to training.
inline float fake_quantize(float x, float scale, int32_t zero_point, QRange range) {
  return dequantize(quantize(x, scale, zero_point, range), scale, zero_point);
}

/// Requantization of an int32 accumulator: nearbyint(float(acc) * multiplier), then the integer zero point.
inline int32_t requantize(int32_t acc, float multiplier, int32_t zero_point, QRange range) {
  const float q = std::nearbyintf(static_cast<float>(acc) * multiplier) + static_cast<float>(zero_point);
  if (q <= static_cast<float>(range.low)) return range.low;
  if (q >= static_cast<float>(range.high)) return range.high;
  return static_cast<int32_t>(q);
}

/// Scale and zero point of one quantization axis cell.
struct QParams {
  float scale = 1.0f;
  int32_t zero_point = 0;
};

/// Parameters that cover [low, high] (0 is always included). Symmetric: zero point is 0 for signed ranges.
/// An empty range gives scale 1.
inline QParams choose_qparams(float low, float high, QRange range, bool symmetric) {
  low = std::min(low, 0.0f);
  high = std::max(high, 0.0f);
  QParams out;
  if (symmetric) {
    const float bound = std::max(-low, high);
    if (bound > 0.0f) out.scale = bound / static_cast<float>(range.high);
    return out;
  }
  const float width = high - low;
  if (width > 0.0f) out.scale = width / static_cast<float>(range.high - range.low);
  if (!(out.scale > 1e-30f)) out.scale = 1.0f;
  const float zero = static_cast<float>(range.low) - std::nearbyintf(low / out.scale);
  out.zero_point = static_cast<int32_t>(std::clamp(zero, static_cast<float>(range.low), static_cast<float>(range.high)));
  return out;
}

}  // namespace pare
