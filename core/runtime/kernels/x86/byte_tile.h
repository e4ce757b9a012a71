#pragma once
// Micro-kernels over groups of bytes and a vector type V of int32 lanes, which belongs to one instruction set level.

#include <type_traits>

#include "core/runtime/kernels/x86/byte_kernels.h"
#include "core/runtime/kernels/x86/integer_tile.h"

namespace pare::x86 {

// Four bytes take the place of an int16 pair: V::add_products multiplies them.
template <class V>
void multiply_bytes(const IntegerTile& t, int rows, int columns) {
  static_assert(V::kTileRows == 6 || V::kTileRows == 8);
  if constexpr (V::kTileRows == 8) {
    if (rows == 8) return multiply_rows<V, 8>(t, columns);
    if (rows == 7) return multiply_rows<V, 7>(t, columns);
  }
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
int32_t dot_bytes(const uint8_t* x, const int8_t* w, int64_t depth) {
  constexpr int64_t kStep = 4 * V::kLanes;
  const auto load = [](const void* from) { return V::load(static_cast<const int16_t*>(from)); };
  auto even = V::broadcast(0), odd = even;
  int64_t k = 0;
  for (; k + 2 * kStep <= depth; k += 2 * kStep) {
    even = V::add_products(even, load(w + k), load(x + k));
    odd = V::add_products(odd, load(w + k + kStep), load(x + k + kStep));
  }
  int32_t lanes[2 * V::kLanes];
  V::store_ints(lanes, even);
  V::store_ints(lanes + V::kLanes, odd);
  uint32_t sum = 0;  // wraps around as the lanes do
  for (const int32_t lane : lanes) sum += static_cast<uint32_t>(lane);
  // Read as what they are: GCC 12 drops a cast of each to signed, and takes USDOT.
  const auto* last = reinterpret_cast<const std::conditional_t<V::kSigned, int8_t, uint8_t>*>(x);
  int32_t rest = 0;  // of fewer products than could overflow
  for (; k < depth; ++k) rest += last[k] * w[k];
  return static_cast<int32_t>(sum + static_cast<uint32_t>(rest));
}

// Eight pixels in at most two runs of neighbours; places that are no neighbours are read one by one.
template <class V>
struct EightPixels {
  TwoRuns runs;
  uint64_t first_run;  // the bytes of the first run
  const int32_t* pixels;

  explicit EightPixels(const int32_t* p)
      : runs(two_runs<V>(p, 8)),
        first_run(runs.split < 8 ? (uint64_t{1} << (8 * runs.split)) - 1 : ~uint64_t{0}),
        pixels(p) {}
  static uint64_t load(const uint8_t* from) {
    uint64_t bytes;
    __builtin_memcpy(&bytes, from, sizeof bytes);
    return bytes;
  }
  uint64_t at(const uint8_t* x) const {
    if (!runs.possible) {
      uint64_t bytes = 0;
      for (int i = 0; i < 8; ++i) bytes |= uint64_t{x[pixels[i]]} << (8 * i);
      return bytes;
    }
    const uint64_t near = load(x + runs.near);
    return runs.split == 8 ? near : (near & first_run) | (load(x + runs.far) & ~first_run);
  }
};

// V::store_group writes eight groups of bytes from kGroup taps of eight pixels each.
template <class V>
void gather_bytes(const uint8_t* x, const int32_t* offsets, int64_t depth, const int32_t* pixels, uint8_t* panel) {
  constexpr int kColumns = 2 * V::kLanes, kGroup = V::kGroup;
  for (int c = 0; c < kColumns; c += 8) {
    const EightPixels<V> eight(pixels + c);
    uint8_t* to = panel + c * kGroup;
    for (int64_t k = 0; k < depth; k += kGroup, to += kColumns * kGroup) {
      uint64_t taps[kGroup];
#pragma GCC unroll 8
      for (int i = 0; i < kGroup; ++i) taps[i] = k + i < depth ? eight.at(x + offsets[k + i]) : 0;
      V::store_group(to, taps);
    }
  }
}

// Steps that are constants become vectors.
template <class V>
void copy_bytes(const uint8_t* from, int64_t step, int64_t count, uint8_t flip, uint8_t* to) {
  if (step == 1)
    for (int64_t i = 0; i < count; ++i) to[i] = from[i] ^ flip;
  else if (step == 2)
    for (int64_t i = 0; i < count; ++i) to[i] = from[2 * i] ^ flip;
  else
    for (int64_t i = 0; i < count; ++i) to[i] = from[i * step] ^ flip;
}

}  // namespace pare::x86
