#pragma once
// Plain loops that the compiler turns into the instructions of a level, which V belongs to.

#include <cstdint>

namespace pare::x86 {

template <class V, class T>
void maximum(const T* line, int64_t count, T* best) {
  for (int64_t i = 0; i < count; ++i) best[i] = line[i] > best[i] || line[i] != line[i] ? line[i] : best[i];
}

}  // namespace pare::x86
