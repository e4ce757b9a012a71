#pragma once
// The int32 lanes of AVX-512 (F, BW, VL) with and without its dot products.

#include <cstdint>

#include "core/runtime/kernels/x86/intrinsics.h"

namespace pare::x86 {
namespace {

struct Avx512Integers {
  using Ints = __m512i;
  using Float = __m512;
  using Shorts = __m256i;  // as many as int32 lanes
  static constexpr int kLanes = 16, kTileRows = 6;

  static Ints load(const int16_t* from) { return _mm512_loadu_si512(from); }
  static Ints load_ints(const int32_t* from) { return _mm512_loadu_si512(from); }
  static void store_ints(int32_t* to, Ints x) { _mm512_storeu_si512(to, x); }
  static Ints broadcast(int32_t x) { return _mm512_set1_epi32(x); }
  static Float broadcast(float x) { return _mm512_set1_ps(x); }
  static Ints broadcast_pair(const int16_t* from) {
    int32_t pair;
    __builtin_memcpy(&pair, from, sizeof pair);
    return _mm512_set1_epi32(pair);
  }
  static Ints add_products(Ints sum, Ints a, Ints b) { return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)); }
  static Float load_floats(const float* from) { return _mm512_loadu_ps(from); }
  static Ints subtract(Ints a, Ints b) { return _mm512_sub_epi32(a, b); }
  static Float to_floats(Ints x) { return _mm512_cvtepi32_ps(x); }
  static Ints to_ints(Float x) { return _mm512_cvttps_epi32(x); }
  static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static Float divide(Float a, Float b) { return _mm512_div_ps(a, b); }
  static Float round(Float x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static Float clamp(Float x, Float low, Float high) { return _mm512_min_ps(_mm512_max_ps(x, low), high); }
  static Float without_nan(Float x, Float instead) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), x, instead);
  }

  // The low bytes of 32 integers.
  static void store_bytes(uint8_t* to, Ints low, Ints high) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(low));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16), _mm512_cvtepi32_epi8(high));
  }
  // The same where interleave_low and interleave_high parted the lanes: packing puts them together.
  static void store_interleaved_bytes(uint8_t* to, Ints low, Ints high) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi16_epi8(_mm512_packs_epi32(low, high)));
  }
  static __m128i bytes(const uint8_t* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); }
  static Ints ints_of(const uint8_t* from) { return _mm512_cvtepu8_epi32(bytes(from)); }
  static Ints ints_of_signed(const uint8_t* from) { return _mm512_cvtepi8_epi32(bytes(from)); }

  static Shorts load_shorts(const int16_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
  static void store_shorts(int16_t* to, Shorts x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), x); }
  static Shorts broadcast_short(int32_t x) { return _mm256_set1_epi16(static_cast<int16_t>(x)); }
  static Shorts subtract_shorts(Shorts a, Shorts b) { return _mm256_sub_epi16(a, b); }
  static Shorts shorts_of(const uint8_t* from) { return _mm256_cvtepu8_epi16(bytes(from)); }
  static Shorts shorts_of_signed(const uint8_t* from) { return _mm256_cvtepi8_epi16(bytes(from)); }
  // Pairs of 32 elements each of a and b.
  static Ints interleave_low(Ints a, Ints b) { return _mm512_unpacklo_epi16(a, b); }
  static Ints interleave_high(Ints a, Ints b) { return _mm512_unpackhi_epi16(a, b); }
  // Lane i holds a[i] and b[i].
  static Ints pairs_of(Shorts a, Shorts b) {
    return _mm512_or_si512(_mm512_cvtepu16_epi32(a), _mm512_slli_epi32(_mm512_cvtepu16_epi32(b), 16));
  }
};

}  // namespace
}  // namespace pare::x86
