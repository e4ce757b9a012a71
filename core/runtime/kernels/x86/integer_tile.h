#pragma once
// Integer micro-kernels over a vector type V of int32 lanes, which belongs to one instruction set level.

#include "core/runtime/kernels/x86/integer_depthwise_tile.h"
#include "core/runtime/kernels/x86/micro_kernels.h"
#include "core/runtime/kernels/x86/pixel_runs.h"

namespace pare::x86 {

// kVectors 1: only the columns of the first vector are wanted, the others are left as they come.
template <class V, int kRows, int kVectors>
void multiply_tile(const IntegerTile& t, int columns) {
  constexpr int kWidth = V::kLanes;
  typename V::Ints sum[kRows][2];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    sum[r][0] = t.resume ? V::load_ints(t.sums + r * 2 * kWidth) : V::broadcast(t.start[r]);
    sum[r][1] = t.resume && kVectors == 2 ? V::load_ints(t.sums + r * 2 * kWidth + kWidth) : sum[r][0];
  }
  // Output rows lie far apart: their lines come while the sums are taken.
  if (t.finish) {
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) __builtin_prefetch(t.out + r * t.out_row, 1);
  }
  const int16_t *left = t.left, *panel = t.panel;
  for (int64_t k = 0; k < t.pairs; ++k) {
    const auto low = V::load(panel), high = V::load(panel + (kVectors - 1) * 2 * kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const auto pair = V::broadcast_pair(left + 2 * r);
      sum[r][0] = V::add_products(sum[r][0], pair, low);
      if (kVectors == 2) sum[r][1] = V::add_products(sum[r][1], pair, high);
    }
    left += 2 * kRows;
    panel += 4 * kWidth;
  }
  if (!t.finish) {
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      V::store_ints(t.sums + r * 2 * kWidth, sum[r][0]);
      V::store_ints(t.sums + r * 2 * kWidth + kWidth, sum[r][1]);
    }
    return;
  }
  Requantizer<V> requantize{{}, V::broadcast(t.zero_point), V::broadcast(t.low), V::broadcast(t.high)};
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    requantize.multiplier = V::broadcast(t.multiplier[r]);
    uint8_t bytes[2 * kWidth];
    uint8_t* to = t.out + r * t.out_row;
    const bool whole = columns == 2 * kWidth && t.out_column == 1;
    V::store_bytes(whole ? to : bytes, requantize(sum[r][0]), requantize(sum[r][1]));
    if (whole) continue;
    for (int c = 0; c < columns; ++c) to[c * t.out_column] = bytes[c];
  }
}

template <class V, int kRows>
void multiply_rows(const IntegerTile& t, int columns) {
  if (columns > V::kLanes)
    multiply_tile<V, kRows, 2>(t, columns);
  else
    multiply_tile<V, kRows, 1>(t, columns);
}

template <class V>
void multiply(const IntegerTile& t, int rows, int columns) {
  static_assert(V::kTileRows == 6);
  switch (rows) {
    case 1:
      return multiply_rows<V, 1>(t, columns);
    case 2:
      return multiply_rows<V, 2>(t, columns);
    case 3:
      return multiply_rows<V, 3>(t, columns);
    case 4:
      return multiply_rows<V, 4>(t, columns);
    case 5:
      return multiply_rows<V, 5>(t, columns);
    default:
      return multiply_rows<V, 6>(t, columns);
  }
}

template <class V>
int32_t dot(const int16_t* x, const int16_t* w, int64_t depth) {
  constexpr int64_t kStep = 2 * V::kLanes;
  auto even = V::broadcast(0), odd = even;
  int64_t k = 0;
  for (; k + 2 * kStep <= depth; k += 2 * kStep) {
    even = V::add_products(even, V::load(x + k), V::load(w + k));
    odd = V::add_products(odd, V::load(x + k + kStep), V::load(w + k + kStep));
  }
  int32_t lanes[2 * V::kLanes], sum = 0;
  V::store_ints(lanes, even);
  V::store_ints(lanes + V::kLanes, odd);
  for (const int32_t lane : lanes) sum += lane;
  for (; k < depth; ++k) sum += x[k] * w[k];
  return sum;
}

// Of neighbours along depth, lane by lane; the second of the last pair may be missing.
template <class V>
void gather(const int16_t* x, const int32_t* offsets, int64_t depth, const int32_t* pixels, bool whole_vectors,
            int16_t* panel) {
  constexpr int kWidth = V::kLanes, kColumns = 2 * kWidth;
  const TwoRuns low = two_runs<V>(pixels, kWidth), high = two_runs<V>(pixels + kWidth, kWidth);
  const int64_t whole_pairs = whole_vectors && low.possible && high.possible ? depth / 2 : 0;
  const auto low_mask = V::first_shorts(low.split), high_mask = V::first_shorts(high.split);
  for (int64_t i = 0; i < whole_pairs; ++i, panel += 2 * kColumns) {
    const int16_t *a = x + offsets[2 * i], *b = x + offsets[2 * i + 1];
    V::store_pairs(panel, V::select(low_mask, V::load_shorts(a + low.near), V::load_shorts(a + low.far)),
                   V::select(low_mask, V::load_shorts(b + low.near), V::load_shorts(b + low.far)));
    V::store_pairs(panel + kColumns, V::select(high_mask, V::load_shorts(a + high.near), V::load_shorts(a + high.far)),
                   V::select(high_mask, V::load_shorts(b + high.near), V::load_shorts(b + high.far)));
  }
  for (int64_t k = 2 * whole_pairs; k < depth; k += 2, panel += 2 * kColumns) {
    for (int c = 0; c < kColumns; ++c) {
      panel[2 * c] = x[offsets[k] + pixels[c]];
      panel[2 * c + 1] = k + 1 < depth ? x[offsets[k + 1] + pixels[c]] : int16_t{0};
    }
  }
}

template <class V, class T>
void widen_some(const T* from, int64_t step, int64_t count, int32_t zero_point, int16_t* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = static_cast<int16_t>(from[i * step] - zero_point);
}

// A step and a count that are constants become vectors; the last one may do again what the one before did.
template <class V, class T>
void widen_every_second(const T* from, int64_t count, int32_t zero_point, int16_t* to) {
  constexpr int64_t kWidth = V::kLanes;
  if (count < kWidth) return widen_some<V>(from, 2, count, zero_point, to);
  for (int64_t i = 0; i + kWidth < count; i += kWidth) widen_some<V>(from + 2 * i, 2, kWidth, zero_point, to + i);
  widen_some<V>(from + 2 * (count - kWidth), 2, kWidth, zero_point, to + count - kWidth);
}

template <class V, class T>
void widen_steps(const T* from, int64_t step, int64_t count, int32_t zero_point, int16_t* to) {
  if (step == 2) return widen_every_second<V>(from, count, zero_point, to);
  widen_some<V>(from, step, count, zero_point, to);
}

template <class V>
void widen(const uint8_t* from, int64_t step, int64_t count, bool is_signed, int32_t zero_point, int16_t* to) {
  constexpr int64_t kWidth = V::kLanes;
  if (step != 1 || count < kWidth) {
    if (is_signed) return widen_steps<V>(reinterpret_cast<const int8_t*>(from), step, count, zero_point, to);
    return widen_steps<V>(from, step, count, zero_point, to);
  }
  const auto zero = V::broadcast_short(zero_point);
  const auto widen_vector = [&](int64_t i) {
    V::store_shorts(to + i,
                    V::subtract_shorts(is_signed ? V::shorts_of_signed(from + i) : V::shorts_of(from + i), zero));
  };
  for (int64_t i = 0; i + kWidth < count; i += kWidth) widen_vector(i);
  widen_vector(count - kWidth);
}

template <class V>
typename V::Ints quantize_lanes(typename V::Float x, float scale, float zero, float low, float high) {
  const auto zero_point = V::broadcast(zero);
  const auto q = V::add(V::round(V::divide(x, V::broadcast(scale))), zero_point);
  return V::to_ints(V::clamp(V::without_nan(q, zero_point), V::broadcast(low), V::broadcast(high)));
}

template <class V>
typename V::Ints sum_bytes(const ByteSum& s, int64_t i) {
  const auto dequantize = [](const uint8_t* from, bool is_signed, int32_t zero, float scale) {
    const auto q = is_signed ? V::ints_of_signed(from) : V::ints_of(from);
    return V::multiply(V::to_floats(V::subtract(q, V::broadcast(zero))), V::broadcast(scale));
  };
  const auto sum = V::add(dequantize(s.a + i, s.a_signed, s.a_zero, s.a_scale),
                          dequantize(s.b + i, s.b_signed, s.b_zero, s.b_scale));
  return quantize_lanes<V>(sum, s.scale, s.zero_point, s.low, s.high);
}

template <class V>
int64_t add(const ByteSum& s, int64_t count) {
  int64_t i = 0;
  for (; i + 2 * V::kLanes <= count; i += 2 * V::kLanes)
    V::store_bytes(s.out + i, sum_bytes<V>(s, i), sum_bytes<V>(s, i + V::kLanes));
  return i;
}

template <class V>
int64_t quantize(const ByteQuantization& q, int64_t count) {
  int64_t i = 0;
  for (; i + 2 * V::kLanes <= count; i += 2 * V::kLanes) {
    V::store_bytes(q.out + i, quantize_lanes<V>(V::load_floats(q.x + i), q.scale, q.zero_point, q.low, q.high),
                   quantize_lanes<V>(V::load_floats(q.x + i + V::kLanes), q.scale, q.zero_point, q.low, q.high));
  }
  return i;
}

}  // namespace pare::x86
