#include "core/format/bits.h"

namespace pare {

Tensor pack_bits(std::span<const int32_t> values, int bits) {
  const auto count = static_cast<int64_t>(values.size());
  Tensor out(DType::kU8, {packed_bytes(count, bits)});
  auto* stream = out.mutable_data<uint8_t>();
  const uint32_t mask = (1u << bits) - 1u;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = i * bits;
    const uint32_t field = (static_cast<uint32_t>(values[static_cast<size_t>(i)]) & mask) << (first & 7);
    stream[first >> 3] = static_cast<uint8_t>(stream[first >> 3] | (field & 0xff));
    if (field > 0xff) stream[(first >> 3) + 1] = static_cast<uint8_t>(stream[(first >> 3) + 1] | (field >> 8));
  }
  return out;
}

}  // namespace pare
