#pragma once
// Depthwise convolutions over a vector type V of floats, which belongs to one instruction set level.

#include "core/runtime/kernels/x86/micro_kernels.h"

namespace pare::x86 {

// The last step for the vector of pixels (h, w). What is stored behind a line is overwritten by the next one.
template <class V>
void finish_pixels(const FloatPlane& p, int64_t h, int64_t w, typename V::Float value) {
  const int64_t left = p.width - w, place = h * p.width + w;
  if (p.residual) {
    const float* added = p.residual + place;
    value = V::add(value, left >= V::kFloats ? V::load(added) : V::load_part(added, static_cast<int>(left)));
  }
  value = V::clamp(value, V::broadcast(p.low), V::broadcast(p.high));
  if (place + V::kFloats <= p.height * p.width)
    V::store(p.out + place, value);
  else
    V::store_part(p.out + place, value, static_cast<int>(left));
}

// kLines lines of one vector of pixels, so that each weight is loaded once for them.
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
#pragma GCC unroll 8
  for (int r = 0; r < kLines; ++r) finish_pixels<V>(p, h + r, w, sum[r]);
}

// The same for 3x3 taps at most one line step apart: weights stay in registers, and each input serves all lines below
// it. Sums are taken in the order of taps.
template <class V, int kLines, int kStride>
void sum_nine(const FloatPlane& p, int64_t h, int64_t w, const typename V::Float (&weight)[9]) {
  typename V::Float sum[kLines];
#pragma GCC unroll 8
  for (int r = 0; r < kLines; ++r) sum[r] = V::broadcast(p.start);
  const float* x = p.x + h * p.line + w;
#pragma GCC unroll 16
  for (int i = 0; i < kStride * (kLines - 1) + 3; ++i, x += p.offsets[3]) {
    const auto a = V::load(x), b = V::load(x + p.offsets[1]), c = V::load(x + p.offsets[2]);
#pragma GCC unroll 8
    for (int r = 0; r < kLines; ++r) {
      const int tap = i - kStride * r;
      if (tap < 0 || tap > 2) continue;
      sum[r] = V::multiply_add(weight[3 * tap], a, sum[r]);
      sum[r] = V::multiply_add(weight[3 * tap + 1], b, sum[r]);
      sum[r] = V::multiply_add(weight[3 * tap + 2], c, sum[r]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kLines; ++r) finish_pixels<V>(p, h + r, w, sum[r]);
}

// Calls sum(w) for the vectors of a line. The last one ends with the line where that is long enough, so that pixels of
// the one before are summed again.
template <class V, class Sum>
void for_each_part(int64_t width, int64_t vector, Sum&& sum) {
  for (int64_t w = 0; w + vector < width; w += vector) sum(w);
  sum(width < vector ? 0 : width - vector);
}

// The same with blocks of kLines lines, and single lines where there are fewer.
template <class V, int kLines, class Blocks, class Lines>
void for_each_block(int64_t height, Blocks&& block, Lines&& line) {
  if (height < kLines) {
    for (int64_t h = 0; h < height; ++h) line(h);
    return;
  }
  for_each_part<V>(height, kLines, block);
}

template <class V, int kStride>
void depthwise_nine(const FloatPlane& p) {
  typename V::Float weight[9];
#pragma GCC unroll 16
  for (int t = 0; t < 9; ++t) weight[t] = V::broadcast(p.weights[t]);
  for_each_block<V, 4>(
      p.height,
      [&](int64_t h) {
        for_each_part<V>(p.width, V::kFloats, [&](int64_t w) { sum_nine<V, 4, kStride>(p, h, w, weight); });
      },
      [&](int64_t h) {
        for_each_part<V>(p.width, V::kFloats, [&](int64_t w) { sum_nine<V, 1, kStride>(p, h, w, weight); });
      });
}

template <class V>
void depthwise(const FloatPlane& p) {
  const bool nine = p.tap_lines == 3 && p.taps == 9;
  if (nine && p.line == p.offsets[3]) return depthwise_nine<V, 1>(p);
  if (nine && p.line == 2 * p.offsets[3]) return depthwise_nine<V, 2>(p);
  for_each_block<V, 4>(
      p.height,
      [&](int64_t h) { for_each_part<V>(p.width, V::kFloats, [&](int64_t w) { sum_lines<V, 4>(p, h, w); }); },
      [&](int64_t h) { for_each_part<V>(p.width, V::kFloats, [&](int64_t w) { sum_lines<V, 1>(p, h, w); }); });
}

}  // namespace pare::x86
