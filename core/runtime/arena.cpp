#include "core/runtime/arena.h"

#include <map>

#include "core/base/error.h"

namespace pare {
namespace {

constexpr int64_t kAlignment = 64;

class FreeList {
 public:
  // Best fit; a new end when nothing fits. A free gap at the end is widened rather than left behind.
  int64_t take(int64_t bytes) {
    auto best = gaps_.end();
    for (auto gap = gaps_.begin(); gap != gaps_.end(); ++gap) {
      if (gap->second >= bytes && (best == gaps_.end() || gap->second < best->second)) best = gap;
    }
    if (best == gaps_.end()) return extend(bytes);
    const int64_t offset = best->first, left = best->second - bytes;
    gaps_.erase(best);
    if (left > 0) gaps_[offset + bytes] = left;
    return offset;
  }

  void give(int64_t offset, int64_t bytes) {
    auto gap = gaps_.emplace(offset, bytes).first;
    auto next = std::next(gap);
    if (next != gaps_.end() && gap->first + gap->second == next->first) {
      gap->second += next->second;
      gaps_.erase(next);
    }
    if (gap == gaps_.begin()) return;
    auto previous = std::prev(gap);
    if (previous->first + previous->second != gap->first) return;
    previous->second += gap->second;
    gaps_.erase(gap);
  }

  int64_t end() const { return end_; }

 private:
  int64_t extend(int64_t bytes) {
    int64_t offset = end_;
    if (!gaps_.empty() && gaps_.rbegin()->first + gaps_.rbegin()->second == end_) {
      offset = gaps_.rbegin()->first;
      gaps_.erase(offset);
    }
    end_ = offset + bytes;
    return offset;
  }

  std::map<int64_t, int64_t> gaps_;  // offset -> bytes
  int64_t end_ = 0;
};

}  // namespace

int64_t place_buffers(std::vector<ArenaBuffer>& buffers, int64_t limit) {
  FreeList free;
  std::multimap<int64_t, size_t> by_last;
  for (size_t i = 0; i < buffers.size(); ++i) {
    ArenaBuffer& buffer = buffers[i];
    while (!by_last.empty() && by_last.begin()->first < buffer.first) {
      const ArenaBuffer& done = buffers[by_last.begin()->second];
      free.give(done.offset, done.bytes);
      by_last.erase(by_last.begin());
    }
    PARE_CHECK(buffer.bytes >= 0 && buffer.bytes <= limit, ModelError,
               "[plan] expected buffers of at most {} bytes, got one of {}. Raise memory_limit or use smaller inputs", limit,
               buffer.bytes);
    buffer.bytes = (buffer.bytes + kAlignment - 1) / kAlignment * kAlignment;
    if (buffer.bytes == 0) buffer.bytes = kAlignment;
    buffer.offset = free.take(buffer.bytes);
    by_last.emplace(buffer.last, i);
    PARE_CHECK(free.end() <= limit, ModelError,
               "[plan] expected at most {} bytes of activations, got more. Raise memory_limit or use smaller inputs", limit);
  }
  return free.end();
}

}  // namespace pare
