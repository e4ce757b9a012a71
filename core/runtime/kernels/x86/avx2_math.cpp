// Functions of floats for AVX2 with FMA.
#include <immintrin.h>

#include "core/runtime/kernels/x86/math_tile.h"

namespace pare::x86 {
namespace {

struct Avx2Math {
  using Float = __m256;
  struct Sum {
    __m256d low, high;
  };
  static constexpr int kFloats = 8;

  static __m256i first_lanes(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static Float load(const float* from) { return _mm256_loadu_ps(from); }
  static Float load_part(const float* from, int count) { return _mm256_maskload_ps(from, first_lanes(count)); }
  static void store(float* to, Float x) { _mm256_storeu_ps(to, x); }
  static void store_part(float* to, Float x, int count) { _mm256_maskstore_ps(to, first_lanes(count), x); }
  static Float first_of(Float x, int count) { return _mm256_and_ps(x, _mm256_castsi256_ps(first_lanes(count))); }
  static Float broadcast(float x) { return _mm256_set1_ps(x); }
  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float divide(Float a, Float b) { return _mm256_div_ps(a, b); }
  static Float multiply_add(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  static Float negate(Float x) { return _mm256_xor_ps(x, broadcast(-0.0f)); }
  static Float absolute(Float x) { return _mm256_andnot_ps(broadcast(-0.0f), x); }
  static Float with_sign(Float x, Float of) { return _mm256_or_ps(x, _mm256_and_ps(of, broadcast(-0.0f))); }
  static Float round(Float x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // NaN stays NaN: these instructions return the second operand when one is NaN.
  static Float clamp(Float x, Float low, Float high) { return _mm256_min_ps(high, _mm256_max_ps(low, x)); }
  // b where a is NaN.
  static Float larger(Float a, Float b) { return _mm256_max_ps(a, b); }
  // a where x > bound, else b, also for NaN.
  static Float select_above(Float x, Float bound, Float a, Float b) {
    return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, bound, _CMP_GT_OQ));
  }
  static Float power_of_two(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
  }
  // x * 2^n in two steps, each of which stays in the exponent's range.
  static Float scale(Float x, Float n) {
    const __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
    return multiply(multiply(x, power_of_two(half)), power_of_two(_mm256_sub_epi32(whole, half)));
  }
  static Sum no_sum() { return {_mm256_setzero_pd(), _mm256_setzero_pd()}; }
  static Sum add_lanes(Sum sum, Float x) {
    return {_mm256_add_pd(sum.low, _mm256_cvtps_pd(_mm256_castps256_ps128(x))),
            _mm256_add_pd(sum.high, _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)))};
  }
  static double total(Sum sum) {
    const __m256d four = _mm256_add_pd(sum.low, sum.high);
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
  }
  static double inverse_root(double x) { return 1.0 / _mm_cvtsd_f64(_mm_sqrt_pd(_mm_set1_pd(x))); }
};

template <Function kFunction>
constexpr MapFloats kMap = map_floats<Avx2Math, kFunction>;

}  // namespace

const MathKernels& avx2_math_kernels() {
  static constexpr MathKernels kKernels = {kMap<Function::kExp>,  kMap<Function::kSigmoid>,  kMap<Function::kSilu>,
                                           kMap<Function::kTanh>, kMap<Function::kErf>,      kMap<Function::kGelu>,
                                           kMap<Function::kGeluTanh>, softmax_row<Avx2Math>, normalize_row<Avx2Math>};
  return kKernels;
}

}  // namespace pare::x86
