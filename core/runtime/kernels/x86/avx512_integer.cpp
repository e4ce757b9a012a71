// Integer kernels for AVX-512 (F, BW, VL) without dot products of bytes.
#include "core/runtime/kernels/x86/avx512_integers.h"
#include "core/runtime/kernels/x86/integer_tile.h"
#include "core/runtime/kernels/x86/lane_runs.h"

namespace pare::x86 {
namespace {

using V = Avx512Integers;

V::Shorts load_runs(const LaneRuns<V>& runs, const int16_t* x) {
  auto lanes = _mm256_maskz_loadu_epi16(runs.lanes[0], x + runs.from[0]);
  for (int r = 1; r < runs.count; ++r) lanes = _mm256_mask_loadu_epi16(lanes, runs.lanes[r], x + runs.from[r]);
  return lanes;
}

// Lanes that no run has are not read, so that nothing behind the last pixel is.
void gather_runs(const int16_t* x, const int32_t* offsets, int64_t depth, const int32_t* pixels, bool, int16_t* panel) {
  for (int half = 0; half < 2; ++half) {
    const LaneRuns<V> runs(pixels + 16 * half);
    int16_t* to = panel + 32 * half;
    for (int64_t k = 0; k < depth; k += 2, to += 64) {
      const auto b = k + 1 < depth ? load_runs(runs, x + offsets[k + 1]) : V::broadcast_short(0);
      _mm512_storeu_si512(to, V::pairs_of(load_runs(runs, x + offsets[k]), b));
    }
  }
}

}  // namespace

const IntegerKernels& avx512_integer_kernels() {
  static constexpr IntegerKernels kKernels = {V::kTileRows, 2 * V::kLanes, multiply<V>, dot<V>,      gather_runs,
                                              widen<V>,     add<V>,        quantize<V>, depthwise<V>};
  return kKernels;
}

}  // namespace pare::x86
