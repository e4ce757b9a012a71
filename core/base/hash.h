#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace pare {

/// The public XXH64 hash (seed included), so that any tool can check our files. Not cryptographic.
inline uint64_t xxh64(std::span<const std::byte> bytes, uint64_t seed = 0) {
  constexpr uint64_t p1 = 0x9E3779B185EBCA87u, p2 = 0xC2B2AE3D27D4EB4Fu, p3 = 0x165667B19E3779F9u,
                     p4 = 0x85EBCA77C2B2AE63u, p5 = 0x27D4EB2F165667C5u;
  const auto round = [](uint64_t acc, uint64_t lane) { return std::rotl(acc + lane * p2, 31) * p1; };
  const auto merge = [&](uint64_t acc, uint64_t lane) { return (acc ^ round(0, lane)) * p1 + p4; };
  const std::byte* p = bytes.data();
  const std::byte* const end = p + bytes.size();
  const auto read = [&p]<class T>(T) {
    T value;
    std::memcpy(&value, p, sizeof value);
    p += sizeof value;
    return value;
  };
  uint64_t hash = seed + p5;
  if (bytes.size() >= 32) {
    uint64_t a = seed + p1 + p2, b = seed + p2, c = seed, d = seed - p1;
    while (end - p >= 32) {
      a = round(a, read(uint64_t{}));
      b = round(b, read(uint64_t{}));
      c = round(c, read(uint64_t{}));
      d = round(d, read(uint64_t{}));
    }
    hash = std::rotl(a, 1) + std::rotl(b, 7) + std::rotl(c, 12) + std::rotl(d, 18);
    hash = merge(merge(merge(merge(hash, a), b), c), d);
  }
  hash += bytes.size();
  while (end - p >= 8) hash = std::rotl(hash ^ round(0, read(uint64_t{})), 27) * p1 + p4;
  if (end - p >= 4) hash = std::rotl(hash ^ (read(uint32_t{}) * p1), 23) * p2 + p3;
  while (p < end) hash = std::rotl(hash ^ (read(uint8_t{}) * p5), 11) * p1;
  hash = (hash ^ (hash >> 33)) * p2;
  hash = (hash ^ (hash >> 29)) * p3;
  return hash ^ (hash >> 32);
}

inline uint64_t xxh64(std::string_view text, uint64_t seed = 0) {
  return xxh64(std::as_bytes(std::span(text.data(), text.size())), seed);
}

/// 16 lower-case hexadecimal digits.
inline std::string hex64(uint64_t value) {
  std::string out(16, '0');
  for (size_t i = 16; i-- > 0; value >>= 4) out[i] = "0123456789abcdef"[value & 15];
  return out;
}

}  // namespace pare
