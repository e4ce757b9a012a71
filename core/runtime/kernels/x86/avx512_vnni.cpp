// Dot products of bytes for AVX-512 VNNI.
#include "core/runtime/kernels/x86/avx512_integers.h"
#include "core/runtime/kernels/x86/byte_tile.h"

namespace pare::x86 {
namespace {

struct Avx512Vnni : Avx512Integers {
  // 8 x 2 sums: enough to hide the latency of two dot products a cycle.
  static constexpr int kTileRows = 8, kGroup = 4;
  static constexpr bool kSigned = false;

  static Ints add_products(Ints sum, Ints weights, Ints x) { return _mm512_dpbusd_epi32(sum, x, weights); }
  static void store_group(uint8_t* to, const uint64_t (&taps)[4]) {
    const auto row = [&](int i) { return _mm_cvtsi64_si128(static_cast<int64_t>(taps[i])); };
    const __m128i ab = _mm_unpacklo_epi8(row(0), row(1)), cd = _mm_unpacklo_epi8(row(2), row(3));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_unpacklo_epi16(ab, cd));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16), _mm_unpackhi_epi16(ab, cd));
  }
};

}  // namespace

const ByteKernels& avx512_vnni_byte_kernels() {
  using V = Avx512Vnni;
  static constexpr ByteKernels kKernels = {V::kTileRows,      2 * V::kLanes, V::kGroup,       V::kSigned,
                                           multiply_bytes<V>, dot_bytes<V>,  gather_bytes<V>, copy_bytes<V>};
  return kKernels;
}

}  // namespace pare::x86
