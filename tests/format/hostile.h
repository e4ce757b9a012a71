#pragma once
// Helpers for tests that feed damaged files to a reader.

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <span>
#include <string>

#include "core/base/error.h"

namespace pare::test {

/// Calls f(bytes, owner) with a copy of exactly this size, so that a sanitizer sees reads beyond its end.
template <class F>
auto with_copy(const std::string& bytes, F&& f) {
  auto block = std::shared_ptr<std::byte[]>(new std::byte[bytes.size()]);
  std::memcpy(block.get(), bytes.data(), bytes.size());
  const std::span<const std::byte> span(block.get(), bytes.size());
  return f(span, std::shared_ptr<const void>(block, block.get()));
}

/// Feeds `count` damaged copies (1 to 4 changed, inserted or removed bytes each) to `read`; only pare::Error may come
/// out.
template <class F>
void mutate(const std::string& bytes, int count, F&& read, uint64_t seed = 1) {
  uint64_t state = seed;
  const auto draw = [&state](uint64_t below) {  // a linear congruential generator: quality does not matter here
    state = state * 6364136223846793005u + 1442695040888963407u;
    return below ? (state >> 33) % below : 0;
  };
  for (int round = 0; round < count; ++round) {
    std::string copy = bytes;
    for (uint64_t change = draw(4) + 1; change-- > 0 && !copy.empty();) {
      const size_t at = draw(copy.size());
      const auto value = static_cast<char>(draw(256));
      switch (draw(5)) {
        case 0: copy.erase(at, 1 + draw(8)); break;
        case 1: copy.insert(at, 1, value); break;
        case 2: copy[at] = static_cast<char>(copy[at] ^ (1 << draw(8))); break;
        default: copy[at] = value;
      }
    }
    try {
      read(copy);
    } catch (const Error&) {
    } catch (const std::exception& error) {
      ADD_FAILURE() << "round " << round << ": " << error.what();
      return;
    }
  }
}

}  // namespace pare::test
