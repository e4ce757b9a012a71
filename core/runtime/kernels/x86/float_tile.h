#pragma once
// Float micro-kernels over a vector type V, which belongs to one instruction set level.

#include "core/runtime/kernels/x86/micro_kernels.h"
#include "core/runtime/kernels/x86/pixel_runs.h"

namespace pare::x86 {

template <class V, int kRows, int kVectors, bool kPacked>
void multiply_tile(const FloatTile& t, int columns) {
  constexpr int kWidth = V::kFloats;
  typename V::Float sum[kRows][kVectors];
  // Lanes of the last vector; the others are full.
  const int tail = columns - (kVectors - 1) * kWidth;
  const auto load = [&](const float* from, int v) {
    return v == kVectors - 1 && tail < kWidth ? V::load_part(from + v * kWidth, tail) : V::load(from + v * kWidth);
  };
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      if (t.resume)
        sum[r][v] = load(t.out + r * t.out_row, v);
      else if (t.column_start)
        sum[r][v] = load(t.column_start, v);
      else
        sum[r][v] = V::broadcast(t.row_start ? t.row_start[r] : 0.0f);
    }
  }
  const float *left = t.left, *panel = t.panel;
  for (int64_t k = 0; k < t.depth; ++k) {
    typename V::Float right[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) right[v] = V::load(panel + v * kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const auto factor = V::broadcast(kPacked ? left[r] : left[r * t.left_row]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[r][v] = V::multiply_add(factor, right[v], sum[r][v]);
    }
    left += kPacked ? kRows : 1;
    panel += V::kTileVectors * kWidth;
  }
  const auto low = V::broadcast(t.low), high = V::broadcast(t.high);
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      auto value = sum[r][v];
      if (t.finish) {
        if (t.residual) value = V::add(value, load(t.residual + r * t.out_row, v));
        value = V::clamp(value, low, high);
      }
      float* to = t.out + r * t.out_row + v * kWidth;
      if (v == kVectors - 1 && tail < kWidth)
        V::store_part(to, value, tail);
      else
        V::store(to, value);
    }
  }
}

template <class V, int kRows, bool kPacked>
void multiply_rows(const FloatTile& t, int columns) {
  if (columns > V::kFloats)
    multiply_tile<V, kRows, 2, kPacked>(t, columns);
  else
    multiply_tile<V, kRows, 1, kPacked>(t, columns);
}

template <class V, bool kPacked>
void multiply_any(const FloatTile& t, int rows, int columns) {
  static_assert(V::kTileRows == 6 && V::kTileVectors == 2);
  switch (rows) {
    case 1:
      return multiply_rows<V, 1, kPacked>(t, columns);
    case 2:
      return multiply_rows<V, 2, kPacked>(t, columns);
    case 3:
      return multiply_rows<V, 3, kPacked>(t, columns);
    case 4:
      return multiply_rows<V, 4, kPacked>(t, columns);
    case 5:
      return multiply_rows<V, 5, kPacked>(t, columns);
    default:
      return multiply_rows<V, 6, kPacked>(t, columns);
  }
}

template <class V>
void multiply(const FloatTile& t, int rows, int columns) {
  if (t.left_row == 0)
    multiply_any<V, true>(t, rows, columns);
  else
    multiply_any<V, false>(t, rows, columns);
}

template <class V>
void gather(const float* x, const int32_t* offsets, int64_t depth, const int32_t* pixels, bool whole_vectors,
            float* panel) {
  constexpr int kWidth = V::kFloats, kColumns = 2 * kWidth;
  const TwoRuns low = two_runs<V>(pixels, kWidth), high = two_runs<V>(pixels + kWidth, kWidth);
  if (!whole_vectors || !low.possible || !high.possible) {
    for (int64_t k = 0; k < depth; ++k) {
      for (int c = 0; c < kColumns; ++c) panel[k * kColumns + c] = x[offsets[k] + pixels[c]];
    }
    return;
  }
  if (low.split == kWidth && high.split == kWidth) {
    for (int64_t k = 0; k < depth; ++k) {
      V::store(panel + k * kColumns, V::load(x + offsets[k] + low.near));
      V::store(panel + k * kColumns + kWidth, V::load(x + offsets[k] + high.near));
    }
    return;
  }
  const auto low_mask = V::first_lanes(low.split), high_mask = V::first_lanes(high.split);
  for (int64_t k = 0; k < depth; ++k) {
    const float* from = x + offsets[k];
    V::store(panel + k * kColumns, V::select(low_mask, V::load(from + low.near), V::load(from + low.far)));
    V::store(panel + k * kColumns + kWidth, V::select(high_mask, V::load(from + high.near), V::load(from + high.far)));
  }
}

// kLines lines of one vector of pixels, so that each weight is loaded once for them and their sums do not wait for each
// other.
template <class V, int kLines>
void sum_lines(const FloatPlane& p, int64_t h, int64_t w) {
  typename V::Float sum[kLines];
#pragma GCC unroll 8
  for (int r = 0; r < kLines; ++r) sum[r] = V::broadcast(p.start);
  const float* x = p.x + h * p.line + w;
  for (int64_t t = 0; t < p.taps; ++t) {
    const auto weight = V::broadcast(p.weights[t]);
#pragma GCC unroll 8
    for (int r = 0; r < kLines; ++r) sum[r] = V::multiply_add(weight, V::load(x + p.offsets[t] + r * p.line), sum[r]);
  }
  const auto low = V::broadcast(p.low), high = V::broadcast(p.high);
  const int64_t left = p.width - w;
#pragma GCC unroll 8
  for (int r = 0; r < kLines; ++r) {
    const int64_t place = (h + r) * p.width + w;
    auto value = sum[r];
    if (left >= V::kFloats) {
      if (p.residual) value = V::add(value, V::load(p.residual + place));
      V::store(p.out + place, V::clamp(value, low, high));
    } else {
      if (p.residual) value = V::add(value, V::load_part(p.residual + place, static_cast<int>(left)));
      V::store_part(p.out + place, V::clamp(value, low, high), static_cast<int>(left));
    }
  }
}

template <class V>
void depthwise(const FloatPlane& p) {
  int64_t h = 0;
  for (; h + 4 <= p.height; h += 4) {
    for (int64_t w = 0; w < p.width; w += V::kFloats) sum_lines<V, 4>(p, h, w);
  }
  for (; h < p.height; ++h) {
    for (int64_t w = 0; w < p.width; w += V::kFloats) sum_lines<V, 1>(p, h, w);
  }
}

// Steps that are constants become vectors.
template <class V>
void copy(const float* from, int64_t step, int64_t count, float* to) {
  if (step == 1)
    for (int64_t i = 0; i < count; ++i) to[i] = from[i];
  else if (step == 2)
    for (int64_t i = 0; i < count; ++i) to[i] = from[2 * i];
  else if (step == 4)
    for (int64_t i = 0; i < count; ++i) to[i] = from[4 * i];
  else
    for (int64_t i = 0; i < count; ++i) to[i] = from[i * step];
}

}  // namespace pare::x86
