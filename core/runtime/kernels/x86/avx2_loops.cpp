// Plain loops that the compiler turns into AVX2 instructions.
#include "core/runtime/kernels/x86/micro_kernels.h"

namespace pare::x86 {
namespace {

template <class T>
void maximum(const T* line, int64_t count, T* best) {
  for (int64_t i = 0; i < count; ++i) best[i] = line[i] > best[i] || line[i] != line[i] ? line[i] : best[i];
}

}  // namespace

const LoopKernels& avx2_loop_kernels() {
  static constexpr LoopKernels kKernels = {maximum<float>, maximum<uint8_t>, maximum<int8_t>};
  return kKernels;
}

}  // namespace pare::x86
