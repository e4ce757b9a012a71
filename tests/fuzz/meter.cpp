#include "tests/fuzz/meter.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace pare::fuzz {
namespace {

// Threads of the pool may allocate beside the caller.
std::atomic<size_t> now{0}, peak{0};

void* counted(void* block) {
  if (!block) throw std::bad_alloc();
  const size_t total = now.fetch_add(malloc_usable_size(block)) + malloc_usable_size(block);
  size_t seen = peak.load();
  while (total > seen && !peak.compare_exchange_weak(seen, total)) {
  }
  return block;
}

void release(void* block) noexcept {
  if (block) now.fetch_sub(malloc_usable_size(block));
  std::free(block);
}

}  // namespace

size_t bytes_now() {
  return now.load();
}
size_t bytes_peak() {
  return peak.load();
}
void reset_peak() {
  peak.store(now.load());
}

}  // namespace pare::fuzz

void* operator new(size_t size) {
  return pare::fuzz::counted(std::malloc(std::max<size_t>(size, 1)));
}
void* operator new(size_t size, std::align_val_t align) {
  const size_t to = static_cast<size_t>(align);
  return pare::fuzz::counted(std::aligned_alloc(to, (std::max<size_t>(size, 1) + to - 1) / to * to));
}
// The sanitizer's own would not fit the operator delete below.
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
  pare::fuzz::release(block);
}
void operator delete(void* block) noexcept {
  pare::fuzz::release(block);
}
void operator delete(void* block, size_t) noexcept {
  pare::fuzz::release(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
  pare::fuzz::release(block);
}
void operator delete(void* block, size_t, std::align_val_t) noexcept {
  pare::fuzz::release(block);
}
