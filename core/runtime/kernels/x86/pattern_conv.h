#pragma once

#include "core/runtime/kernels/x86/pattern_kernels.h"
#include "core/runtime/kernels/x86/x86.h"

namespace pare::x86 {

/// Conv, pare.plan.FusedConv and pare.plan.QLinearConv with constant 3x3 weights whose kernels keep at most four elements;
/// they accept a node where that is expected to be faster than a dense convolution.
void add_pattern_kernels(KernelTable& table, const Level& level, const PatternKernels& kernels);

}  // namespace pare::x86
