#pragma once
// Float micro-kernels over a vector type V, which belongs to one instruction set level.

#include "core/runtime/kernels/x86/depthwise_tile.h"
#include "core/runtime/kernels/x86/micro_kernels.h"
#include "core/runtime/kernels/x86/pixel_runs.h"

namespace pare::x86 {

// How the operands lie: the left one as rows instead of slivers, the panel's rows anywhere.
enum class TileForm { kPacked, kLeftRows, kPanelRows };

template <class V, int kRows, int kVectors, TileForm kForm>
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
  // Output rows lie far apart: their lines come while the sums are taken.
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    __builtin_prefetch(t.out + r * t.out_row, 1);
    __builtin_prefetch(t.out + r * t.out_row + columns - 1, 1);
  }
  const float *left = t.left, *panel = t.panel;
  for (int64_t k = 0; k < t.depth; ++k) {
    typename V::Float right[kVectors];
    if (kForm == TileForm::kPanelRows) panel = t.panel + t.offsets[k];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) right[v] = V::load(panel + v * kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const auto factor = V::broadcast(kForm == TileForm::kLeftRows ? left[r * t.left_row] : left[r]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[r][v] = V::multiply_add(factor, right[v], sum[r][v]);
    }
    left += kForm == TileForm::kLeftRows ? 1 : kRows;
    if (kForm != TileForm::kPanelRows) panel += V::kTileVectors * kWidth;
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

template <class V, int kRows, TileForm kForm>
void multiply_rows(const FloatTile& t, int columns) {
  if (columns > V::kFloats)
    multiply_tile<V, kRows, 2, kForm>(t, columns);
  else
    multiply_tile<V, kRows, 1, kForm>(t, columns);
}

template <class V, TileForm kForm>
void multiply_any(const FloatTile& t, int rows, int columns) {
  static_assert(V::kTileRows == 6 && V::kTileVectors == 2);
  switch (rows) {
    case 1:
      return multiply_rows<V, 1, kForm>(t, columns);
    case 2:
      return multiply_rows<V, 2, kForm>(t, columns);
    case 3:
      return multiply_rows<V, 3, kForm>(t, columns);
    case 4:
      return multiply_rows<V, 4, kForm>(t, columns);
    case 5:
      return multiply_rows<V, 5, kForm>(t, columns);
    default:
      return multiply_rows<V, 6, kForm>(t, columns);
  }
}

template <class V>
void multiply(const FloatTile& t, int rows, int columns) {
  if (t.offsets) return multiply_any<V, TileForm::kPanelRows>(t, rows, columns);
  if (t.left_row != 0) return multiply_any<V, TileForm::kLeftRows>(t, rows, columns);
  multiply_any<V, TileForm::kPacked>(t, rows, columns);
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

// In vectors where the step is a known constant; the last one may copy again what the one before did.
template <class V, int kStep>
void copy_steps(const float* from, int64_t count, float* to) {
  constexpr int64_t kWidth = V::kFloats;
  const auto copy_vector = [&](int64_t i) {
    if constexpr (kStep == 1) {
      V::store(to + i, V::load(from + i));
    } else {
      for (int64_t j = i; j < i + kWidth; ++j) to[j] = from[kStep * j];
    }
  };
  if (count < kWidth) {
    for (int64_t i = 0; i < count; ++i) to[i] = from[kStep * i];
    return;
  }
  for (int64_t i = 0; i + kWidth < count; i += kWidth) copy_vector(i);
  copy_vector(count - kWidth);
}

template <class V>
void copy(const Lines<float, float>& lines) {
  const float* from = lines.from;
  float* to = lines.to;
  for (int64_t line = 0; line < lines.lines; ++line, from += lines.from_line, to += lines.to_line) {
    if (lines.step == 1)
      copy_steps<V, 1>(from, lines.count, to);
    else if (lines.step == 2)
      copy_steps<V, 2>(from, lines.count, to);
    else
      for (int64_t i = 0; i < lines.count; ++i) to[i] = from[i * lines.step];
  }
}

}  // namespace pare::x86
