#include "core/runtime/kernels/arm/arm.h"

#include "core/runtime/kernels/arm/arm_kernels.h"
#include "core/runtime/kernels/x86/x86.h"

namespace pare {

void add_arm_kernels(KernelTable& table) {
  const x86::Level neon{Isa::kNeon,
                        arm::neon_float_kernels(),
                        arm::neon_integer_kernels(),
                        arm::neon_loop_kernels(),
                        arm::neon_math_kernels(),
                        arm::neon_pattern_kernels()};
  x86::add_levels(
      table, {neon},
      {{Isa::kNeonDot, arm::neon_dot_byte_kernels(), neon}, {Isa::kNeonI8mm, arm::neon_i8mm_byte_kernels(), neon}});
}

}  // namespace pare
