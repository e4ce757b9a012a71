// Float kernels and functions of floats for NEON.
#include "core/runtime/kernels/arm/arm_kernels.h"
#include "core/runtime/kernels/arm/neon_floats.h"
#include "core/runtime/kernels/x86/float_tile.h"
#include "core/runtime/kernels/x86/loops.h"
#include "core/runtime/kernels/x86/math_tile.h"
#include "core/runtime/kernels/x86/winograd_tile.h"

namespace pare::arm {
namespace {

struct Neon : NeonFloats {
  // Elements of four vectors in turn: a0 b0 c0 d0 a1 b1 ...
  static void store_interleaved(float* to, Float a, Float b, Float c, Float d) {
    vst4q_f32(to, float32x4x4_t{{a, b, c, d}});
  }
  static Float no_quad() { return vdupq_n_f32(-0.0f); }  // the zero that leaves every summand as it is
  static Float load_quad(const float* from, int count) { return count == 4 ? load(from) : load_part(from, count); }
  static void store_quad(float* to, Float x, Float added, float low, float high, int count) {
    const Float y = clamp(add(x, added), broadcast(low), broadcast(high));
    if (count == 4)
      store(to, y);
    else
      store_part(to, y, count);
  }
};

struct NeonMath : NeonFloats {
  struct Sum {
    float64x2_t low, high;
  };
  static Float first_of(Float x, int count) {
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x), first_lanes(count)));
  }
  static Float negate(Float x) { return vnegq_f32(x); }
  static Float absolute(Float x) { return vabsq_f32(x); }
  static Float with_sign(Float x, Float of) {
    const uint32x4_t sign = vandq_u32(vreinterpretq_u32_f32(of), vdupq_n_u32(0x80000000u));
    return vreinterpretq_f32_u32(vorrq_u32(vreinterpretq_u32_f32(x), sign));
  }
  // b where a is NaN.
  static Float larger(Float a, Float b) { return vmaxnmq_f32(a, b); }
  // a where x > bound, else b, also for NaN.
  static Float select_above(Float x, Float bound, Float a, Float b) { return vbslq_f32(vcgtq_f32(x, bound), a, b); }
  static Float power_of_two(int32x4_t n) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
  }
  // x * 2^n in two steps, each of which stays in the exponent's range.
  static Float scale(Float x, Float n) {
    const int32x4_t whole = vcvtnq_s32_f32(n), half = vshrq_n_s32(whole, 1);
    return multiply(multiply(x, power_of_two(half)), power_of_two(vsubq_s32(whole, half)));
  }
  static Sum no_sum() { return {vdupq_n_f64(0.0), vdupq_n_f64(0.0)}; }
  static Sum add_lanes(Sum sum, Float x) {
    return {vaddq_f64(sum.low, vcvt_f64_f32(vget_low_f32(x))), vaddq_f64(sum.high, vcvt_high_f64_f32(x))};
  }
  static double total(Sum sum) { return vaddvq_f64(vaddq_f64(sum.low, sum.high)); }
  static double inverse_root(double x) { return 1.0 / vget_lane_f64(vsqrt_f64(vdup_n_f64(x)), 0); }
};

template <x86::Function kFunction>
constexpr x86::MapFloats kMap = x86::map_floats<NeonMath, kFunction>;

}  // namespace

const x86::FloatKernels& neon_float_kernels() {
  static constexpr x86::FloatKernels kKernels = {Neon::kTileRows,           Neon::kTileVectors * Neon::kFloats,
                                                 x86::multiply<Neon>,       x86::gather<Neon>,
                                                 x86::depthwise<Neon>,      x86::copy<Neon>,
                                                 x86::winograd_input<Neon>, x86::winograd_output<Neon>};
  return kKernels;
}

const x86::LoopKernels& neon_loop_kernels() {
  static constexpr x86::LoopKernels kKernels = {x86::maximum<Neon, float>, x86::maximum<Neon, uint8_t>,
                                                x86::maximum<Neon, int8_t>};
  return kKernels;
}

const x86::MathKernels& neon_math_kernels() {
  using F = x86::Function;
  static constexpr x86::MathKernels kKernels = {kMap<F::kExp>,
                                                kMap<F::kSigmoid>,
                                                kMap<F::kSilu>,
                                                kMap<F::kTanh>,
                                                kMap<F::kErf>,
                                                kMap<F::kGelu>,
                                                kMap<F::kGeluTanh>,
                                                x86::softmax_row<NeonMath>,
                                                x86::normalize_row<NeonMath>};
  return kKernels;
}

}  // namespace pare::arm
