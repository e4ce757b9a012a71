// Pattern convolutions for AVX2 with FMA.
#include <immintrin.h>

#include "core/runtime/kernels/x86/pattern_kernels.h"

namespace pare::x86 {
namespace {

// 4 x 2 input vectors, 2 sums and a weight fit 16 registers; of integers, two taps share a register.
constexpr int kFloatVectors = 2, kIntegerVectors = 4;

void accumulate_floats(const FloatPatternTile& t) {
  const float* weights = t.weights;
  const uint16_t* filter = t.filters;
  for (int64_t r = 0; r < t.run_count; ++r) {
    const PatternRun& run = t.runs[r];
    __m256 x[kPatternTaps][kFloatVectors];
#pragma GCC unroll 4
    for (int k = 0; k < kPatternTaps; ++k) {
#pragma GCC unroll 2
      for (int v = 0; v < kFloatVectors; ++v) x[k][v] = _mm256_loadu_ps(t.x + run.offsets[k] + t.places[v]);
    }
    for (int32_t i = 0; i < run.count; ++i, weights += kPatternTaps, ++filter) {
      float* to = t.sums + int64_t{*filter} * (kFloatVectors * kPatternLanes);
      __m256 sum[kFloatVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kFloatVectors; ++v) sum[v] = _mm256_loadu_ps(to + v * kPatternLanes);
#pragma GCC unroll 4
      for (int k = 0; k < kPatternTaps; ++k) {
        const __m256 weight = _mm256_broadcast_ss(weights + k);
#pragma GCC unroll 2
        for (int v = 0; v < kFloatVectors; ++v) sum[v] = _mm256_fmadd_ps(x[k][v], weight, sum[v]);
      }
#pragma GCC unroll 2
      for (int v = 0; v < kFloatVectors; ++v) _mm256_storeu_ps(to + v * kPatternLanes, sum[v]);
    }
  }
}

void finish_floats(const FloatPatternRow& row) {
  const __m256 low = _mm256_set1_ps(row.low), high = _mm256_set1_ps(row.high);
  for (int v = 0; v < kFloatVectors; ++v) {
    const int64_t place = row.pixels.places[v];
    const __m256i lanes =
        _mm256_cmpgt_epi32(_mm256_set1_epi32(row.pixels.counts[v]), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    __m256 sum = _mm256_loadu_ps(row.sums + v * kPatternLanes);
    if (row.residual) sum = _mm256_add_ps(sum, _mm256_maskload_ps(row.residual + place, lanes));
    // NaN stays NaN: these instructions return the second operand when one is NaN.
    _mm256_maskstore_ps(row.out + place, lanes, _mm256_min_ps(high, _mm256_max_ps(low, sum)));
  }
}

__m128i load_shorts(const int16_t* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); }

// Lane i holds a[i] and b[i].
__m256i pairs_of(const int16_t* a, const int16_t* b) {
  return _mm256_or_si256(_mm256_cvtepu16_epi32(load_shorts(a)),
                         _mm256_slli_epi32(_mm256_cvtepu16_epi32(load_shorts(b)), 16));
}

__m256i broadcast_pair(const int16_t* from) {
  int32_t pair;
  __builtin_memcpy(&pair, from, sizeof pair);
  return _mm256_set1_epi32(pair);
}

void accumulate_integers(const IntegerPatternTile& t) {
  const int16_t* weights = t.weights;
  const uint16_t* filter = t.filters;
  for (int64_t r = 0; r < t.run_count; ++r) {
    const PatternRun& run = t.runs[r];
    __m256i x[2][kIntegerVectors];
#pragma GCC unroll 2
    for (int k = 0; k < 2; ++k) {
#pragma GCC unroll 4
      for (int v = 0; v < kIntegerVectors; ++v) {
        const int16_t* from = t.x + t.places[v];
        x[k][v] = pairs_of(from + run.offsets[2 * k], from + run.offsets[2 * k + 1]);
      }
    }
    for (int32_t i = 0; i < run.count; ++i, weights += kPatternTaps, ++filter) {
      const __m256i first = broadcast_pair(weights), second = broadcast_pair(weights + 2);
      auto* to = reinterpret_cast<__m256i*>(t.sums + int64_t{*filter} * (kIntegerVectors * kPatternLanes));
#pragma GCC unroll 4
      for (int v = 0; v < kIntegerVectors; ++v) {
        const __m256i products =
            _mm256_add_epi32(_mm256_madd_epi16(x[0][v], first), _mm256_madd_epi16(x[1][v], second));
        _mm256_storeu_si256(to + v, _mm256_add_epi32(_mm256_loadu_si256(to + v), products));
      }
    }
  }
}

// The low bytes of eight integers.
uint64_t low_bytes(__m256i x) {
  const __m128i shorts = _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  return static_cast<uint64_t>(
      _mm_cvtsi128_si64(_mm_packus_epi16(_mm_and_si128(shorts, _mm_set1_epi16(255)), _mm_setzero_si128())));
}

void finish_integers(const IntegerPatternRow& row) {
  const __m256 multiplier = _mm256_set1_ps(row.multiplier), zero_point = _mm256_set1_ps(row.zero_point);
  const __m256 low = _mm256_set1_ps(row.low), high = _mm256_set1_ps(row.high);
  for (int v = 0; v < kIntegerVectors; ++v) {
    const __m256i sum = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row.sums) + v);
    const __m256 scaled = _mm256_round_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), multiplier),
                                          _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m256 q = _mm256_min_ps(_mm256_max_ps(_mm256_add_ps(scaled, zero_point), low), high);
    const uint64_t bytes = low_bytes(_mm256_cvttps_epi32(q));
    uint8_t* to = row.out + row.pixels.places[v];
    if (row.pixels.counts[v] == kPatternLanes) {
      __builtin_memcpy(to, &bytes, sizeof bytes);
    } else {
      for (int32_t i = 0; i < row.pixels.counts[v]; ++i) to[i] = static_cast<uint8_t>(bytes >> (8 * i));
    }
  }
}

}  // namespace

const PatternKernels& avx2_pattern_kernels() {
  static constexpr PatternKernels kKernels = {{kFloatVectors, accumulate_floats, finish_floats},
                                              {kIntegerVectors, accumulate_integers, finish_integers}};
  return kKernels;
}

}  // namespace pare::x86
