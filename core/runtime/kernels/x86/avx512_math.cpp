// Functions of floats for AVX-512 (F, DQ).
#include "core/runtime/kernels/x86/intrinsics.h"
#include "core/runtime/kernels/x86/math_tile.h"

namespace pare::x86 {
namespace {

struct Avx512Math {
  using Float = __m512;
  struct Sum {
    __m512d low, high;
  };
  static constexpr int kFloats = 16;

  // Of 1 to 16.
  static __mmask16 first_lanes(int count) { return static_cast<__mmask16>((1u << count) - 1); }
  static Float load(const float* from) { return _mm512_loadu_ps(from); }
  static Float load_part(const float* from, int count) { return _mm512_maskz_loadu_ps(first_lanes(count), from); }
  static void store(float* to, Float x) { _mm512_storeu_ps(to, x); }
  static void store_part(float* to, Float x, int count) { _mm512_mask_storeu_ps(to, first_lanes(count), x); }
  static Float first_of(Float x, int count) { return _mm512_maskz_mov_ps(first_lanes(count), x); }
  static Float broadcast(float x) { return _mm512_set1_ps(x); }
  static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static Float divide(Float a, Float b) { return _mm512_div_ps(a, b); }
  static Float multiply_add(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
  static Float negate(Float x) { return _mm512_xor_ps(x, broadcast(-0.0f)); }
  static Float absolute(Float x) { return _mm512_andnot_ps(broadcast(-0.0f), x); }
  static Float with_sign(Float x, Float of) { return _mm512_or_ps(x, _mm512_and_ps(of, broadcast(-0.0f))); }
  static Float round(Float x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // NaN stays NaN: these instructions return the second operand when one is NaN.
  static Float clamp(Float x, Float low, Float high) { return _mm512_min_ps(high, _mm512_max_ps(low, x)); }
  // b where a is NaN.
  static Float larger(Float a, Float b) { return _mm512_max_ps(a, b); }
  // a where x > bound, else b, also for NaN.
  static Float select_above(Float x, Float bound, Float a, Float b) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, bound, _CMP_GT_OQ), b, a);
  }
  // x * 2^n, rounded once.
  static Float scale(Float x, Float n) { return _mm512_scalef_ps(x, n); }
  static __m256 upper(Float x) { return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1)); }
  static Sum no_sum() { return {_mm512_setzero_pd(), _mm512_setzero_pd()}; }
  static Sum add_lanes(Sum sum, Float x) {
    return {_mm512_add_pd(sum.low, _mm512_cvtps_pd(_mm512_castps512_ps256(x))),
            _mm512_add_pd(sum.high, _mm512_cvtps_pd(upper(x)))};
  }
  static double total(Sum sum) {
    const __m512d eight = _mm512_add_pd(sum.low, sum.high);
    const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
  }
  static double inverse_root(double x) { return 1.0 / _mm_cvtsd_f64(_mm_sqrt_pd(_mm_set1_pd(x))); }
};

template <Function kFunction>
constexpr MapFloats kMap = map_floats<Avx512Math, kFunction>;

}  // namespace

const MathKernels& avx512_math_kernels() {
  static constexpr MathKernels kKernels = {
      kMap<Function::kExp>,      kMap<Function::kSigmoid>, kMap<Function::kSilu>,
      kMap<Function::kTanh>,     kMap<Function::kErf>,     kMap<Function::kGelu>,
      kMap<Function::kGeluTanh>, softmax_row<Avx512Math>,  normalize_row<Avx512Math>};
  return kKernels;
}

}  // namespace pare::x86
