// Integer kernels for AVX2. Products of int16 pairs: those of unsigned and signed bytes (vpmaddubsw) saturate.
#include <immintrin.h>

#include "core/runtime/kernels/x86/integer_tile.h"

namespace pare::x86 {
namespace {

struct Avx2 {
  using Ints = __m256i;
  using Float = __m256;
  using Shorts = __m128i;  // as many as int32 lanes
  static constexpr int kLanes = 8, kTileRows = 6;

  static Ints load(const int16_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
  static Ints load_ints(const int32_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
  static void store_ints(int32_t* to, Ints x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), x); }
  static Ints broadcast(int32_t x) { return _mm256_set1_epi32(x); }
  static Float broadcast(float x) { return _mm256_set1_ps(x); }
  static Ints broadcast_pair(const int16_t* from) {
    int32_t pair;
    __builtin_memcpy(&pair, from, sizeof pair);
    return _mm256_set1_epi32(pair);
  }
  static Ints add_products(Ints sum, Ints a, Ints b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
  static Float load_floats(const float* from) { return _mm256_loadu_ps(from); }
  static Ints subtract(Ints a, Ints b) { return _mm256_sub_epi32(a, b); }
  static Float to_floats(Ints x) { return _mm256_cvtepi32_ps(x); }
  static Ints to_ints(Float x) { return _mm256_cvttps_epi32(x); }
  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float divide(Float a, Float b) { return _mm256_div_ps(a, b); }
  static Float round(Float x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static Float clamp(Float x, Float low, Float high) { return _mm256_min_ps(_mm256_max_ps(x, low), high); }
  static Float without_nan(Float x, Float instead) {
    return _mm256_blendv_ps(x, instead, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
  }

  // The low bytes of 16 integers.
  static void store_bytes(uint8_t* to, Ints low, Ints high) {
    store_short_bytes(to, _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8));
  }
  // The same where interleave_low and interleave_high parted the lanes: packing puts them together.
  static void store_interleaved_bytes(uint8_t* to, Ints low, Ints high) {
    store_short_bytes(to, _mm256_packs_epi32(low, high));
  }
  static void store_short_bytes(uint8_t* to, Ints shorts) {
    const Ints masked = _mm256_and_si256(shorts, _mm256_set1_epi16(255));
    const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(masked), _mm256_extracti128_si256(masked, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
  }
  static __m128i bytes(const uint8_t* from) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)); }
  static Ints ints_of(const uint8_t* from) { return _mm256_cvtepu8_epi32(bytes(from)); }
  static Ints ints_of_signed(const uint8_t* from) { return _mm256_cvtepi8_epi32(bytes(from)); }

  static Shorts first_shorts(int count) {
    return _mm_cmpgt_epi16(_mm_set1_epi16(static_cast<int16_t>(count)), _mm_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static Shorts load_shorts(const int16_t* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); }
  static void store_shorts(int16_t* to, Shorts x) { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), x); }
  static Shorts select(Shorts mask, Shorts a, Shorts b) { return _mm_blendv_epi8(b, a, mask); }
  static Shorts broadcast_short(int32_t x) { return _mm_set1_epi16(static_cast<int16_t>(x)); }
  static Shorts subtract_shorts(Shorts a, Shorts b) { return _mm_sub_epi16(a, b); }
  static Shorts shorts_of(const uint8_t* from) { return _mm_cvtepu8_epi16(bytes(from)); }
  static Shorts shorts_of_signed(const uint8_t* from) { return _mm_cvtepi8_epi16(bytes(from)); }
  // Pairs of 16 elements each of a and b.
  static Ints interleave_low(Ints a, Ints b) { return _mm256_unpacklo_epi16(a, b); }
  static Ints interleave_high(Ints a, Ints b) { return _mm256_unpackhi_epi16(a, b); }
  static void store_pairs(int16_t* to, Shorts a, Shorts b) {
    store_shorts(to, _mm_unpacklo_epi16(a, b));
    store_shorts(to + 8, _mm_unpackhi_epi16(a, b));
  }
};

}  // namespace

const IntegerKernels& avx2_integer_kernels() {
  static constexpr IntegerKernels kKernels = {Avx2::kTileRows, 2 * Avx2::kLanes, multiply<Avx2>, dot<Avx2>, gather<Avx2>,
                                              widen<Avx2>,     add<Avx2>,        quantize<Avx2>, depthwise<Avx2>};
  return kKernels;
}

}  // namespace pare::x86
