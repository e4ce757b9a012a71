// Float kernels for AVX2 with FMA.
#include <immintrin.h>

#include "core/runtime/kernels/x86/float_tile.h"
#include "core/runtime/kernels/x86/winograd_tile.h"

namespace pare::x86 {
namespace {

struct Avx2 {
  using Float = __m256;
  using Lanes = __m256i;
  // 6 x 2 sums, 2 panel vectors and a factor fit 16 registers.
  static constexpr int kFloats = 8, kTileRows = 6, kTileVectors = 2;

  static Lanes first_lanes(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static Float load(const float* from) { return _mm256_loadu_ps(from); }
  static Float load_part(const float* from, int count) { return _mm256_maskload_ps(from, first_lanes(count)); }
  static void store(float* to, Float x) { _mm256_storeu_ps(to, x); }
  static void store_part(float* to, Float x, int count) { _mm256_maskstore_ps(to, first_lanes(count), x); }
  static Float broadcast(float x) { return _mm256_set1_ps(x); }
  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float multiply_add(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  // NaN stays NaN: these instructions return the second operand when one is NaN.
  static Float clamp(Float x, Float low, Float high) { return _mm256_min_ps(high, _mm256_max_ps(low, x)); }
  static Float select(Lanes mask, Float a, Float b) { return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(mask)); }

  // Elements of four vectors in turn: a0 b0 c0 d0 a1 b1 ...
  static void store_interleaved(float* to, Float a, Float b, Float c, Float d) {
    const Float ab_low = _mm256_unpacklo_ps(a, b), ab_high = _mm256_unpackhi_ps(a, b);
    const Float cd_low = _mm256_unpacklo_ps(c, d), cd_high = _mm256_unpackhi_ps(c, d);
    const Float x0 = _mm256_shuffle_ps(ab_low, cd_low, 0x44), x1 = _mm256_shuffle_ps(ab_low, cd_low, 0xEE);
    const Float x2 = _mm256_shuffle_ps(ab_high, cd_high, 0x44), x3 = _mm256_shuffle_ps(ab_high, cd_high, 0xEE);
    store(to, _mm256_permute2f128_ps(x0, x1, 0x20));
    store(to + 8, _mm256_permute2f128_ps(x2, x3, 0x20));
    store(to + 16, _mm256_permute2f128_ps(x0, x1, 0x31));
    store(to + 24, _mm256_permute2f128_ps(x2, x3, 0x31));
  }
  static __m128i first_quad_lanes(int count) {
    return _mm_cmpgt_epi32(_mm_set1_epi32(count), _mm_setr_epi32(0, 1, 2, 3));
  }
  static __m128 no_quad() { return _mm_set1_ps(-0.0f); }  // the zero that leaves every summand as it is
  static __m128 load_quad(const float* from, int count) {
    return count == 4 ? _mm_loadu_ps(from) : _mm_maskload_ps(from, first_quad_lanes(count));
  }
  static void store_quad(float* to, __m128 x, __m128 added, float low, float high, int count) {
    const __m128 y = _mm_min_ps(_mm_set1_ps(high), _mm_max_ps(_mm_set1_ps(low), _mm_add_ps(x, added)));
    if (count == 4)
      _mm_storeu_ps(to, y);
    else
      _mm_maskstore_ps(to, first_quad_lanes(count), y);
  }
};

}  // namespace

const FloatKernels& avx2_float_kernels() {
  static constexpr FloatKernels kKernels = {Avx2::kTileRows, Avx2::kTileVectors * Avx2::kFloats, multiply<Avx2>,
                                            gather<Avx2>,    depthwise<Avx2>,                    copy<Avx2>,
                                            winograd_input<Avx2>, winograd_output<Avx2>};
  return kKernels;
}

}  // namespace pare::x86
