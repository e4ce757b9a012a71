#pragma once
// Depthwise convolutions over a vector type V of int32 lanes, which belongs to one instruction set level.

#include "core/runtime/kernels/x86/micro_kernels.h"
#include "core/runtime/kernels/x86/requantizer.h"

namespace pare::x86 {

// Sums of two vectors of pixels, interleaved as V::interleave leaves them.
template <class V>
struct PixelSums {
  typename V::Ints low, high;

  void add(typename V::Ints a, typename V::Ints b, typename V::Ints weights) {
    low = V::add_products(low, V::interleave_low(a, b), weights);
    high = V::add_products(high, V::interleave_high(a, b), weights);
  }
};

template <class V>
struct DepthwiseTile {
  static constexpr int64_t kWidth = 2 * V::kLanes;
  // A copy: bytes that are stored might lie anywhere.
  const IntegerPlane p;
  const Requantizer<V> requantize{V::broadcast(p.multiplier), V::broadcast(p.zero_point), V::broadcast(p.low),
                                  V::broadcast(p.high)};

  // What is stored behind a line is overwritten by the next ones.
  void finish(int64_t h, int64_t w, const PixelSums<V>& sums) const {
    uint8_t* to = p.out + h * p.width + w;
    if (h * p.width + w + kWidth <= p.height * p.width)
      return V::store_interleaved_bytes(to, requantize(sums.low), requantize(sums.high));
    uint8_t bytes[kWidth];
    V::store_interleaved_bytes(bytes, requantize(sums.low), requantize(sums.high));
    for (int64_t i = 0; i < p.width - w; ++i) to[i] = bytes[i];
  }

  void sum_line(int64_t h, int64_t w) const {
    PixelSums<V> sums{V::broadcast(p.start), V::broadcast(p.start)};
    const int16_t* x = p.x + h * p.line + w;
    for (int64_t t = 0; t < 2 * p.pairs; t += 2)
      sums.add(V::load(x + p.offsets[t]), V::load(x + p.offsets[t + 1]), V::broadcast_pair(p.weights + t));
    finish(h, w, sums);
  }
};

// 3x3 taps: those of the first two columns go in pairs along the lines, those of the last one across them.
template <class V>
struct NineTaps {
  typename V::Ints along[3], across[2];

  explicit NineTaps(const int16_t* w) {
#pragma GCC unroll 4
    for (int i = 0; i < 3; ++i) along[i] = V::broadcast_pair(w + 3 * i);
    const int16_t pairs[4] = {w[2], w[5], w[8], 0};
    across[0] = V::broadcast_pair(pairs), across[1] = V::broadcast_pair(pairs + 2);
  }
};

// kLines lines of pixels, which share what is loaded and interleaved.
template <class V, int kLines, int kStride>
void integer_sum_nine(const DepthwiseTile<V>& tile, const NineTaps<V>& taps, int64_t h, int64_t w) {
  constexpr int kInputs = kStride * (kLines - 1) + 3;
  const IntegerPlane& p = tile.p;
  PixelSums<V> sums[kLines];
#pragma GCC unroll 4
  for (int r = 0; r < kLines; ++r) sums[r].low = sums[r].high = V::broadcast(p.start);
  const int16_t* x = p.x + h * p.line + w;
  auto last = V::load(x + p.offsets[2]);
#pragma GCC unroll 8
  for (int i = 0; i < kInputs; ++i, x += p.offsets[3]) {
    const auto a = V::load(x), b = V::load(x + p.offsets[1]);
    const auto next = i + 1 < kInputs ? V::load(x + p.offsets[3] + p.offsets[2]) : last;
    const auto along_low = V::interleave_low(a, b), along_high = V::interleave_high(a, b);
    const auto across_low = V::interleave_low(last, next), across_high = V::interleave_high(last, next);
    last = next;
#pragma GCC unroll 4
    for (int r = 0; r < kLines; ++r) {
      const int tap = i - kStride * r;
      if (tap < 0 || tap > 2) continue;
      sums[r].low = V::add_products(sums[r].low, along_low, taps.along[tap]);
      sums[r].high = V::add_products(sums[r].high, along_high, taps.along[tap]);
      if (tap == 1) continue;
      sums[r].low = V::add_products(sums[r].low, across_low, taps.across[tap / 2]);
      sums[r].high = V::add_products(sums[r].high, across_high, taps.across[tap / 2]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kLines; ++r) tile.finish(h + r, w, sums[r]);
}

// Calls sum(w) for the vectors of a line. The last one ends with the line where that is long enough, so that pixels of
// the one before are summed again.
template <class V, class Sum>
void for_each_vector(int64_t width, Sum&& sum) {
  constexpr int64_t kWidth = 2 * V::kLanes;
  for (int64_t w = 0; w + kWidth < width; w += kWidth) sum(w);
  sum(width < kWidth ? 0 : width - kWidth);
}

template <class V, int kStride>
void integer_depthwise_nine(const DepthwiseTile<V>& tile) {
  const IntegerPlane& p = tile.p;
  const NineTaps<V> taps(p.weights);
  int64_t h = 0;
  for (; h + 2 <= p.height; h += 2)
    for_each_vector<V>(p.width, [&](int64_t w) { integer_sum_nine<V, 2, kStride>(tile, taps, h, w); });
  if (h < p.height) for_each_vector<V>(p.width, [&](int64_t w) { integer_sum_nine<V, 1, kStride>(tile, taps, h, w); });
}

template <class V>
void depthwise(const IntegerPlane& p) {
  const DepthwiseTile<V> tile{p};
  const bool nine = p.tap_lines == 3 && p.taps == 9;
  if (nine && p.line == p.offsets[3]) return integer_depthwise_nine<V, 1>(tile);
  if (nine && p.line == 2 * p.offsets[3]) return integer_depthwise_nine<V, 2>(tile);
  for (int64_t h = 0; h < p.height; ++h) for_each_vector<V>(p.width, [&](int64_t w) { tile.sum_line(h, w); });
}

}  // namespace pare::x86
