#include "core/runtime/kernels/x86/x86.h"

namespace pare {

void add_x86_kernels(KernelTable& table) {
  using namespace x86;
  const Level avx2{Isa::kAvx2,          avx2_float_kernels(), avx2_integer_kernels(),
                   avx2_loop_kernels(), avx2_math_kernels(),  avx2_pattern_kernels()};
  const Level avx512{Isa::kAvx512,          avx512_float_kernels(), avx512_integer_kernels(),
                     avx512_loop_kernels(), avx512_math_kernels(),  avx512_pattern_kernels()};
  add_levels(table, {avx2, avx512},
             {{Isa::kAvxVnni, avx_vnni_byte_kernels(), avx2}, {Isa::kAvx512Vnni, avx512_vnni_byte_kernels(), avx512}});
}

}  // namespace pare
