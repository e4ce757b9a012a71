// Dot products of bytes for AVX-VNNI: 256 bits, on processors without AVX-512.
#include "core/runtime/kernels/x86/byte_tile.h"
#include "core/runtime/kernels/x86/intrinsics.h"

namespace pare::x86 {
namespace {

struct AvxVnni {
  using Ints = __m256i;
  using Float = __m256;
  // 6 x 2 sums, 2 panel vectors and a factor fit 16 registers.
  static constexpr int kLanes = 8, kTileRows = 6, kGroup = 4;
  static constexpr bool kSigned = false;

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
  static Ints add_products(Ints sum, Ints weights, Ints x) { return _mm256_dpbusd_avx_epi32(sum, x, weights); }
  static Float to_floats(Ints x) { return _mm256_cvtepi32_ps(x); }
  static Ints to_ints(Float x) { return _mm256_cvttps_epi32(x); }
  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float round(Float x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static Float clamp(Float x, Float low, Float high) { return _mm256_min_ps(_mm256_max_ps(x, low), high); }
  // The low bytes of 16 integers.
  static void store_bytes(uint8_t* to, Ints low, Ints high) {
    const Ints shorts = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8);
    const Ints masked = _mm256_and_si256(shorts, _mm256_set1_epi16(255));
    const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(masked), _mm256_extracti128_si256(masked, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
  }
  static void store_group(uint8_t* to, const uint64_t (&taps)[4]) {
    const auto row = [&](int i) { return _mm_cvtsi64_si128(static_cast<int64_t>(taps[i])); };
    const __m128i ab = _mm_unpacklo_epi8(row(0), row(1)), cd = _mm_unpacklo_epi8(row(2), row(3));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_unpacklo_epi16(ab, cd));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16), _mm_unpackhi_epi16(ab, cd));
  }
};

}  // namespace

const ByteKernels& avx_vnni_byte_kernels() {
  using V = AvxVnni;
  static constexpr ByteKernels kKernels = {V::kTileRows,      2 * V::kLanes, V::kGroup,       V::kSigned,
                                           multiply_bytes<V>, dot_bytes<V>,  gather_bytes<V>, copy_bytes<V>};
  return kKernels;
}

}  // namespace pare::x86
