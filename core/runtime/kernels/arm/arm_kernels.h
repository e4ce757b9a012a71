#pragma once
// What the levels of ARM provide: plain functions over raw memory.

#include "core/runtime/kernels/x86/byte_kernels.h"
#include "core/runtime/kernels/x86/micro_kernels.h"
#include "core/runtime/kernels/x86/pattern_kernels.h"

namespace pare::arm {

const x86::FloatKernels& neon_float_kernels();
const x86::IntegerKernels& neon_integer_kernels();
const x86::LoopKernels& neon_loop_kernels();
const x86::MathKernels& neon_math_kernels();
const x86::PatternKernels& neon_pattern_kernels();
const x86::ByteKernels& neon_dot_byte_kernels();
const x86::ByteKernels& neon_i8mm_byte_kernels();

}  // namespace pare::arm
