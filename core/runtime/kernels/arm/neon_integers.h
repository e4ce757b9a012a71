#pragma once

#include "core/runtime/kernels/arm/neon_floats.h"

namespace pare::arm {
namespace {

/// Four int32 lanes, of which each is a pair of int16 or a group of bytes as an operand of products.
struct NeonIntegers {
  using Ints = int32x4_t;
  using Float = float32x4_t;
  using Shorts = int16x4_t;  // as many as int32 lanes
  static constexpr int kLanes = 4, kTileRows = 6;

  static Ints load(const int16_t* from) { return vreinterpretq_s32_s16(vld1q_s16(from)); }
  static Ints load_ints(const int32_t* from) { return vld1q_s32(from); }
  static void store_ints(int32_t* to, Ints x) { vst1q_s32(to, x); }
  static Ints broadcast(int32_t x) { return vdupq_n_s32(x); }
  static Float broadcast(float x) { return vdupq_n_f32(x); }
  static Ints broadcast_pair(const int16_t* from) {
    int32_t pair;
    __builtin_memcpy(&pair, from, sizeof pair);
    return vdupq_n_s32(pair);
  }
  static Ints add_products(Ints sum, Ints a, Ints b) {
    const int16x8_t x = vreinterpretq_s16_s32(a), y = vreinterpretq_s16_s32(b);
    return vaddq_s32(sum, vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), vmull_high_s16(x, y)));
  }
  static Float load_floats(const float* from) { return vld1q_f32(from); }
  static Ints subtract(Ints a, Ints b) { return vsubq_s32(a, b); }
  static Float to_floats(Ints x) { return vcvtq_f32_s32(x); }
  static Ints to_ints(Float x) { return vcvtq_s32_f32(x); }
  static Float add(Float a, Float b) { return vaddq_f32(a, b); }
  static Float multiply(Float a, Float b) { return vmulq_f32(a, b); }
  static Float divide(Float a, Float b) { return vdivq_f32(a, b); }
  static Float round(Float x) { return vrndnq_f32(x); }
  static Float clamp(Float x, Float low, Float high) { return vminnmq_f32(vmaxnmq_f32(x, low), high); }
  static Float without_nan(Float x, Float instead) { return vbslq_f32(vceqq_f32(x, x), x, instead); }

  // The low bytes of eight integers.
  static void store_bytes(uint8_t* to, Ints low, Ints high) {
    vst1_s8(reinterpret_cast<int8_t*>(to), vmovn_s16(vcombine_s16(vmovn_s32(low), vmovn_s32(high))));
  }
  static void store_interleaved_bytes(uint8_t* to, Ints low, Ints high) { store_bytes(to, low, high); }
  static uint8x8_t bytes(const uint8_t* from) {
    uint32_t four;
    __builtin_memcpy(&four, from, sizeof four);
    return vcreate_u8(four);
  }
  static Shorts shorts_of(const uint8_t* from) { return vget_low_s16(vreinterpretq_s16_u16(vmovl_u8(bytes(from)))); }
  static Shorts shorts_of_signed(const uint8_t* from) {
    return vget_low_s16(vmovl_s8(vreinterpret_s8_u8(bytes(from))));
  }
  static Ints ints_of(const uint8_t* from) { return vmovl_s16(shorts_of(from)); }
  static Ints ints_of_signed(const uint8_t* from) { return vmovl_s16(shorts_of_signed(from)); }

  static uint16x4_t first_shorts(int count) {
    constexpr int16_t kIndex[4] = {0, 1, 2, 3};
    return vcgt_s16(vdup_n_s16(static_cast<int16_t>(count)), vld1_s16(kIndex));
  }
  static Shorts load_shorts(const int16_t* from) { return vld1_s16(from); }
  static void store_shorts(int16_t* to, Shorts x) { vst1_s16(to, x); }
  static Shorts select(uint16x4_t mask, Shorts a, Shorts b) { return vbsl_s16(mask, a, b); }
  static Shorts broadcast_short(int32_t x) { return vdup_n_s16(static_cast<int16_t>(x)); }
  static Shorts subtract_shorts(Shorts a, Shorts b) { return vsub_s16(a, b); }
  // Pairs of eight elements each of a and b.
  static Ints interleave_low(Ints a, Ints b) {
    return vreinterpretq_s32_s16(vzip1q_s16(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b)));
  }
  static Ints interleave_high(Ints a, Ints b) {
    return vreinterpretq_s32_s16(vzip2q_s16(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b)));
  }
  static void store_pairs(int16_t* to, Shorts a, Shorts b) { vst2_s16(to, int16x4x2_t{{a, b}}); }
};

}  // namespace
}  // namespace pare::arm
