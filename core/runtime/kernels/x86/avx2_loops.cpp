// Loops for AVX2.
#include "core/runtime/kernels/x86/loops.h"
#include "core/runtime/kernels/x86/micro_kernels.h"

namespace pare::x86 {
namespace {

struct Avx2Loops {};

}  // namespace

const LoopKernels& avx2_loop_kernels() {
  static constexpr LoopKernels kKernels = {maximum<Avx2Loops, float>, maximum<Avx2Loops, uint8_t>,
                                           maximum<Avx2Loops, int8_t>};
  return kKernels;
}

}  // namespace pare::x86
