// Pattern convolutions for AVX-512 (F, BW, VL).
#include "core/runtime/kernels/x86/avx512_integers.h"
#include "core/runtime/kernels/x86/pattern_tile.h"

namespace pare::x86 {
namespace {

struct Avx512Pattern : Avx512Integers {
  // 4 x 4 input vectors, 4 sums and a weight fit 32 registers.
  static constexpr int kFloatVectors = 4, kIntegerVectors = 4;

  // Of 0 to 16.
  static __mmask16 first_lanes(int count) { return static_cast<__mmask16>((1u << count) - 1); }
  static Float load(const float* from) { return _mm512_loadu_ps(from); }
  static Float load_part(const float* from, int count) { return _mm512_maskz_loadu_ps(first_lanes(count), from); }
  static void store(float* to, Float x) { _mm512_storeu_ps(to, x); }
  static void store_part(float* to, Float x, int count) { _mm512_mask_storeu_ps(to, first_lanes(count), x); }
  static Float multiply_add(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
  // NaN stays NaN: these instructions return the second operand when one is NaN.
  static Float clamp(Float x, Float low, Float high) { return _mm512_min_ps(high, _mm512_max_ps(low, x)); }
  static Float bound(Float x, Float low, Float high) { return Avx512Integers::clamp(x, low, high); }
  static Ints pairs_of(const int16_t* a, const int16_t* b) {
    return Avx512Integers::pairs_of(load_shorts(a), load_shorts(b));
  }
  static void store_low_bytes(uint8_t* to, Ints x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(x));
  }
};

}  // namespace

const PatternKernels& avx512_pattern_kernels() {
  using V = Avx512Pattern;
  static constexpr PatternKernels kKernels = {
      {V::kLanes, V::kFloatVectors, accumulate_floats<V>, finish_floats<V>},
      {V::kLanes, V::kIntegerVectors, accumulate_integers<V>, finish_integers<V>}};
  return kKernels;
}

}  // namespace pare::x86
