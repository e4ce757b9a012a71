// Float kernels for AVX2 with FMA.
#include <immintrin.h>

#include "core/runtime/kernels/x86/float_tile.h"

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
  static Float multiply_add(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  // NaN stays NaN: these instructions return the second operand when one is NaN.
  static Float clamp(Float x, Float low, Float high) { return _mm256_min_ps(high, _mm256_max_ps(low, x)); }
  static Float select(Lanes mask, Float a, Float b) { return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(mask)); }
};

}  // namespace

const FloatKernels& avx2_float_kernels() {
  static constexpr FloatKernels kKernels = {Avx2::kTileRows, Avx2::kTileVectors * Avx2::kFloats, multiply<Avx2>,
                                            gather<Avx2>, depthwise<Avx2>};
  return kKernels;
}

}  // namespace pare::x86
