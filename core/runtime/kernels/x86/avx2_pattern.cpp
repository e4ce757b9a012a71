// Pattern convolutions for AVX2 with FMA.
#include "core/runtime/kernels/x86/intrinsics.h"
#include "core/runtime/kernels/x86/pattern_tile.h"

namespace pare::x86 {
namespace {

struct Avx2Pattern {
  using Float = __m256;
  using Ints = __m256i;
  // 4 x 2 input vectors, 2 sums and a weight fit 16 registers; of integers, two taps share a register.
  static constexpr int kLanes = 8, kFloatVectors = 2, kIntegerVectors = 4;

  static __m256i first_lanes(int count) {
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
  static Float round(Float x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // NaN stays NaN: these instructions return the second operand when one is NaN.
  static Float clamp(Float x, Float low, Float high) { return _mm256_min_ps(high, _mm256_max_ps(low, x)); }
  static Float bound(Float x, Float low, Float high) { return _mm256_min_ps(_mm256_max_ps(x, low), high); }

  static Ints load_ints(const int32_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
  static void store_ints(int32_t* to, Ints x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), x); }
  static Ints add_products(Ints sum, Ints a, Ints b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
  static Float to_floats(Ints x) { return _mm256_cvtepi32_ps(x); }
  static Ints to_ints(Float x) { return _mm256_cvttps_epi32(x); }
  static __m128i load_shorts(const int16_t* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); }
  // Lane i holds a[i] and b[i].
  static Ints pairs_of(const int16_t* a, const int16_t* b) {
    return _mm256_or_si256(_mm256_cvtepu16_epi32(load_shorts(a)),
                           _mm256_slli_epi32(_mm256_cvtepu16_epi32(load_shorts(b)), 16));
  }
  static Ints broadcast_pair(const int16_t* from) {
    int32_t pair;
    __builtin_memcpy(&pair, from, sizeof pair);
    return _mm256_set1_epi32(pair);
  }
  static void store_low_bytes(uint8_t* to, Ints x) {
    const __m128i shorts = _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    const __m128i bytes = _mm_packus_epi16(_mm_and_si128(shorts, _mm_set1_epi16(255)), _mm_setzero_si128());
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), bytes);
  }
};

}  // namespace

const PatternKernels& avx2_pattern_kernels() {
  using V = Avx2Pattern;
  static constexpr PatternKernels kKernels = {
      {V::kLanes, V::kFloatVectors, accumulate_floats<V>, finish_floats<V>},
      {V::kLanes, V::kIntegerVectors, accumulate_integers<V>, finish_integers<V>}};
  return kKernels;
}

}  // namespace pare::x86
