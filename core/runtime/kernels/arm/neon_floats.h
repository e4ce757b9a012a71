#pragma once

#include <arm_neon.h>

#include <cstdint>

namespace pare::arm {
namespace {

/// Four floats.
struct NeonFloats {
  using Float = float32x4_t;
  using Lanes = uint32x4_t;
  // 6 x 2 sums.
  static constexpr int kFloats = 4, kTileRows = 6, kTileVectors = 2;

  static Lanes first_lanes(int count) {
    constexpr int32_t kIndex[4] = {0, 1, 2, 3};
    return vcgtq_s32(vdupq_n_s32(count), vld1q_s32(kIndex));
  }
  static Float load(const float* from) { return vld1q_f32(from); }
  static Float load_part(const float* from, int count) {
    float lanes[4] = {};
    for (int i = 0; i < count; ++i) lanes[i] = from[i];
    return vld1q_f32(lanes);
  }
  static void store(float* to, Float x) { vst1q_f32(to, x); }
  static void store_part(float* to, Float x, int count) {
    float lanes[4];
    vst1q_f32(lanes, x);
    for (int i = 0; i < count; ++i) to[i] = lanes[i];
  }
  static Float broadcast(float x) { return vdupq_n_f32(x); }
  static Float add(Float a, Float b) { return vaddq_f32(a, b); }
  static Float multiply(Float a, Float b) { return vmulq_f32(a, b); }
  static Float divide(Float a, Float b) { return vdivq_f32(a, b); }
  static Float multiply_add(Float a, Float b, Float c) { return vfmaq_f32(c, a, b); }
  static Float round(Float x) { return vrndnq_f32(x); }
  // NaN stays NaN.
  static Float clamp(Float x, Float low, Float high) { return vminq_f32(vmaxq_f32(x, low), high); }
  static Float select(Lanes mask, Float a, Float b) { return vbslq_f32(mask, a, b); }
};

}  // namespace
}  // namespace pare::arm
