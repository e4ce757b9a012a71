#pragma once

#include "core/runtime/kernels/x86/pattern_kernels.h"
#include "core/runtime/kernels/x86/x86.h"

namespace pare::x86 {

/// Conv and pare.plan.FusedConv with constant 3x3 weights whose kernels keep at most four elements; they accept a node
/// where that is expected to be faster than a dense convolution.
void add_float_pattern_kernels(KernelTable& table, const Level& level);
/// pare.plan.QLinearConv alike; `rival`: time of the level's dense convolution over that of one by int16 pairs.
void add_integer_pattern_kernels(KernelTable& table, const Level& level, double rival);

}  // namespace pare::x86
