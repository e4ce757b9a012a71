// Integer kernels and pattern convolutions for NEON without dot products of bytes.
#include "core/runtime/kernels/arm/arm_kernels.h"
#include "core/runtime/kernels/arm/neon_integers.h"
#include "core/runtime/kernels/x86/integer_tile.h"
#include "core/runtime/kernels/x86/pattern_tile.h"

namespace pare::arm {
namespace {

struct NeonPattern : NeonIntegers {
  // 4 x 4 input vectors, 4 sums and a weight fit 32 registers.
  static constexpr int kFloatVectors = 4, kIntegerVectors = 4;

  static Float load(const float* from) { return vld1q_f32(from); }
  static Float load_part(const float* from, int count) { return NeonFloats::load_part(from, count); }
  static void store(float* to, Float x) { vst1q_f32(to, x); }
  static void store_part(float* to, Float x, int count) { NeonFloats::store_part(to, x, count); }
  static Float multiply_add(Float a, Float b, Float c) { return vfmaq_f32(c, a, b); }
  static Float clamp(Float x, Float low, Float high) { return NeonFloats::clamp(x, low, high); }
  static Float bound(Float x, Float low, Float high) { return NeonIntegers::clamp(x, low, high); }
  // Lane i holds a[i] and b[i].
  static Ints pairs_of(const int16_t* a, const int16_t* b) {
    const int16x4x2_t pairs = vzip_s16(vld1_s16(a), vld1_s16(b));
    return vreinterpretq_s32_s16(vcombine_s16(pairs.val[0], pairs.val[1]));
  }
  static void store_low_bytes(uint8_t* to, Ints x) {
    const int16x4_t shorts = vmovn_s32(x);
    const uint32_t four = vget_lane_u32(vreinterpret_u32_s8(vmovn_s16(vcombine_s16(shorts, shorts))), 0);
    __builtin_memcpy(to, &four, sizeof four);
  }
};

}  // namespace

const x86::IntegerKernels& neon_integer_kernels() {
  using V = NeonIntegers;
  static constexpr x86::IntegerKernels kKernels = {V::kTileRows, 2 * V::kLanes,    x86::multiply<V>,
                                                   x86::dot<V>,  x86::gather<V>,   x86::widen<V>,
                                                   x86::add<V>,  x86::quantize<V>, x86::depthwise<V>};
  return kKernels;
}

const x86::PatternKernels& neon_pattern_kernels() {
  using V = NeonPattern;
  static constexpr x86::PatternKernels kKernels = {
      {V::kLanes, V::kFloatVectors, x86::accumulate_floats<V>, x86::finish_floats<V>},
      {V::kLanes, V::kIntegerVectors, x86::accumulate_integers<V>, x86::finish_integers<V>}};
  return kKernels;
}

}  // namespace pare::arm
