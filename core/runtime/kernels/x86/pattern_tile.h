#pragma once
// Pattern convolutions over vectors of V, which belongs to one instruction set level.

#include "core/runtime/kernels/x86/pattern_kernels.h"

namespace pare::x86 {

template <class V>
void accumulate_floats(const FloatPatternTile& t) {
  constexpr int kVectors = V::kFloatVectors;
  const float* weights = t.weights;
  const uint16_t* filter = t.filters;
  for (int64_t r = 0; r < t.run_count; ++r) {
    const PatternRun& run = t.runs[r];
    typename V::Float x[kPatternTaps][kVectors];
#pragma GCC unroll 4
    for (int k = 0; k < kPatternTaps; ++k) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) x[k][v] = V::load(t.x + run.offsets[k] + t.places[v]);
    }
    for (int32_t i = 0; i < run.count; ++i, weights += kPatternTaps, ++filter) {
      float* to = t.sums + int64_t{*filter} * (kVectors * V::kLanes);
      typename V::Float sum[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[v] = V::load(to + v * V::kLanes);
#pragma GCC unroll 4
      for (int k = 0; k < kPatternTaps; ++k) {
        const auto weight = V::broadcast(weights[k]);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sum[v] = V::multiply_add(x[k][v], weight, sum[v]);
      }
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) V::store(to + v * V::kLanes, sum[v]);
    }
  }
}

template <class V>
void finish_floats(const FloatPatternRow& row) {
  const auto low = V::broadcast(row.low), high = V::broadcast(row.high);
  for (int v = 0; v < V::kFloatVectors; ++v) {
    const int64_t place = row.pixels.places[v];
    const int count = row.pixels.counts[v];
    auto sum = V::load(row.sums + v * V::kLanes);
    if (row.residual) sum = V::add(sum, V::load_part(row.residual + place, count));
    V::store_part(row.out + place, V::clamp(sum, low, high), count);
  }
}

template <class V>
void accumulate_integers(const IntegerPatternTile& t) {
  constexpr int kVectors = V::kIntegerVectors;
  const int16_t* weights = t.weights;
  const uint16_t* filter = t.filters;
  for (int64_t r = 0; r < t.run_count; ++r) {
    const PatternRun& run = t.runs[r];
    typename V::Ints x[2][kVectors];
#pragma GCC unroll 2
    for (int k = 0; k < 2; ++k) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const int16_t* from = t.x + t.places[v];
        x[k][v] = V::pairs_of(from + run.offsets[2 * k], from + run.offsets[2 * k + 1]);
      }
    }
    for (int32_t i = 0; i < run.count; ++i, weights += kPatternTaps, ++filter) {
      const auto first = V::broadcast_pair(weights), second = V::broadcast_pair(weights + 2);
      int32_t* to = t.sums + int64_t{*filter} * (kVectors * V::kLanes);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const auto sum = V::add_products(V::load_ints(to + v * V::kLanes), x[0][v], first);
        V::store_ints(to + v * V::kLanes, V::add_products(sum, x[1][v], second));
      }
    }
  }
}

template <class V>
void finish_integers(const IntegerPatternRow& row) {
  const auto multiplier = V::broadcast(row.multiplier), zero_point = V::broadcast(row.zero_point);
  const auto low = V::broadcast(row.low), high = V::broadcast(row.high);
  for (int v = 0; v < V::kIntegerVectors; ++v) {
    const auto sum = V::to_floats(V::load_ints(row.sums + v * V::kLanes));
    const auto q = V::bound(V::add(V::round(V::multiply(sum, multiplier)), zero_point), low, high);
    uint8_t bytes[V::kLanes], *to = row.out + row.pixels.places[v];
    const int count = row.pixels.counts[v];
    V::store_low_bytes(count == V::kLanes ? to : bytes, V::to_ints(q));
    if (count == V::kLanes) continue;
    for (int i = 0; i < count; ++i) to[i] = bytes[i];
  }
}

}  // namespace pare::x86
