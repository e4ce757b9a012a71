#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace pare {

/// 64-bit FNV-1a, for keys (not for security).
constexpr uint64_t hash64(std::string_view text, uint64_t seed = 0xcbf29ce484222325ull) {
  for (char c : text) seed = (seed ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
  return seed;
}

/// Counter-based random stream: the n-th number depends only on the key and n, never on who asked before.
/// Key it by (seed, stage, purpose, epoch, sample) with `fork`. Mixing is splitmix64 (Steele et al., OOPSLA 2014).
class Rng {
 public:
  explicit Rng(uint64_t key) : key_(mix(key + kGolden)) {}
  /// An independent stream for a sub-purpose.
  Rng fork(uint64_t id) const { return Rng(key_ ^ mix(id + kGolden)); }
  Rng fork(std::string_view purpose) const { return fork(hash64(purpose)); }

  uint64_t next() { return mix(key_ + kGolden * ++counter_); }
  /// Uniform in [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// Uniform integer in [0, bound); bound >= 1.
  uint64_t below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }
  /// Standard normal (Box-Muller).
  double normal() {
    const double u = 1.0 - uniform(), v = uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
  }
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  static constexpr uint64_t kGolden = 0x9e3779b97f4a7c15ull;
  static constexpr uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  uint64_t key_;
  uint64_t counter_ = 0;
};

}  // namespace pare
