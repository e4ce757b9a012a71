#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/tensor.h"

namespace pare {

/// Bytes of `count` fields of `bits` bits.
inline int64_t packed_bytes(int64_t count, int bits) { return count / 8 * bits + (count % 8 * bits + 7) / 8; }

/// Low-first bit stream: field i holds bits [i*bits, (i+1)*bits) of the little-endian byte sequence. The low `bits` (1..8)
/// bits of each value are kept. Returns kU8 [packed_bytes].
Tensor pack_bits(std::span<const int32_t> values, int bits);

/// Field `index` of such a stream as an unsigned number; the caller has checked the length.
inline uint32_t get_bits(const uint8_t* stream, int64_t index, int bits) {
  const int64_t first = index * bits;
  const int shift = static_cast<int>(first & 7);
  uint32_t word = stream[first >> 3];
  if (shift + bits > 8) word |= static_cast<uint32_t>(stream[(first >> 3) + 1]) << 8;
  return (word >> shift) & ((1u << bits) - 1u);
}

inline bool get_bit(const uint8_t* stream, int64_t index) { return stream[index >> 3] >> (index & 7) & 1; }

}  // namespace pare
