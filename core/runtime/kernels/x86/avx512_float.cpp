// Float kernels for AVX-512 (F, BW, DQ, VL).
#include "core/runtime/kernels/x86/float_tile.h"
#include "core/runtime/kernels/x86/intrinsics.h"
#include "core/runtime/kernels/x86/lane_runs.h"
#include "core/runtime/kernels/x86/loops.h"
#include "core/runtime/kernels/x86/winograd_tile.h"

namespace pare::x86 {
namespace {

struct Avx512 {
  using Float = __m512;
  using Lanes = __mmask16;
  static constexpr int kFloats = 16, kTileRows = 6, kTileVectors = 2;

  // Of 1 to 16.
  static Lanes first_lanes(int count) { return static_cast<Lanes>((1u << count) - 1); }
  static Float load(const float* from) { return _mm512_loadu_ps(from); }
  static Float load_part(const float* from, int count) { return _mm512_maskz_loadu_ps(first_lanes(count), from); }
  static void store(float* to, Float x) { _mm512_storeu_ps(to, x); }
  static void store_part(float* to, Float x, int count) { _mm512_mask_storeu_ps(to, first_lanes(count), x); }
  static Float broadcast(float x) { return _mm512_set1_ps(x); }
  static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static Float multiply_add(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
  // NaN stays NaN: these instructions return the second operand when one is NaN.
  static Float clamp(Float x, Float low, Float high) { return _mm512_min_ps(high, _mm512_max_ps(low, x)); }

  // Elements of four vectors in turn: a0 b0 c0 d0 a1 b1 ...
  static void store_interleaved(float* to, Float a, Float b, Float c, Float d) {
    const Float ab_low = _mm512_unpacklo_ps(a, b), ab_high = _mm512_unpackhi_ps(a, b);
    const Float cd_low = _mm512_unpacklo_ps(c, d), cd_high = _mm512_unpackhi_ps(c, d);
    store_quarters(to, _mm512_shuffle_ps(ab_low, cd_low, 0x44));
    store_quarters(to + 4, _mm512_shuffle_ps(ab_low, cd_low, 0xEE));
    store_quarters(to + 8, _mm512_shuffle_ps(ab_high, cd_high, 0x44));
    store_quarters(to + 12, _mm512_shuffle_ps(ab_high, cd_high, 0xEE));
  }
  static void store_quarters(float* to, Float x) {
    _mm_storeu_ps(to, _mm512_castps512_ps128(x));
    _mm_storeu_ps(to + 16, _mm512_extractf32x4_ps(x, 1));
    _mm_storeu_ps(to + 32, _mm512_extractf32x4_ps(x, 2));
    _mm_storeu_ps(to + 48, _mm512_extractf32x4_ps(x, 3));
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

Avx512::Float load_runs(const LaneRuns<Avx512>& runs, const float* x) {
  auto lanes = _mm512_maskz_loadu_ps(runs.lanes[0], x + runs.from[0]);
  for (int r = 1; r < runs.count; ++r) lanes = _mm512_mask_loadu_ps(lanes, runs.lanes[r], x + runs.from[r]);
  return lanes;
}

// Lanes that no run has are not read, so that nothing behind the last pixel is.
void gather_runs(const float* x, const int32_t* offsets, int64_t depth, const int32_t* pixels, bool, float* panel) {
  const LaneRuns<Avx512> low(pixels), high(pixels + 16);
  for (int64_t k = 0; k < depth; ++k, panel += 32) {
    Avx512::store(panel, load_runs(low, x + offsets[k]));
    Avx512::store(panel + 16, load_runs(high, x + offsets[k]));
  }
}

}  // namespace

const FloatKernels& avx512_float_kernels() {
  static constexpr FloatKernels kKernels = {Avx512::kTileRows,      Avx512::kTileVectors * Avx512::kFloats,
                                            multiply<Avx512>,       gather_runs,
                                            depthwise<Avx512>,      copy<Avx512>,
                                            winograd_input<Avx512>, winograd_output<Avx512>};
  return kKernels;
}

const LoopKernels& avx512_loop_kernels() {
  static constexpr LoopKernels kKernels = {maximum<Avx512, float>, maximum<Avx512, uint8_t>, maximum<Avx512, int8_t>};
  return kKernels;
}

}  // namespace pare::x86
