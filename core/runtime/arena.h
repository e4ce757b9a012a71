#pragma once

#include <cstdint>
#include <vector>

namespace pare {

/// A buffer that lives from step `first` to step `last`, both included.
struct ArenaBuffer {
  int64_t bytes = 0;
  int64_t first = 0;
  int64_t last = 0;
  int64_t offset = 0;   ///< result, a multiple of 64
};

/// Gives every buffer an offset so that buffers alive at the same step do not overlap: in order of `first`, the
/// tightest free gap that fits, else behind the end. Returns the bytes of the whole arena.
/// Throws ModelError when they exceed `limit`. Buffers must be sorted by `first`.
int64_t place_buffers(std::vector<ArenaBuffer>& buffers, int64_t limit);

}  // namespace pare
