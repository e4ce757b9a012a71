#pragma once

#include "core/runtime/kernel.h"

namespace pare {

/// Kernels for 64-bit ARM of every level that this build knows: the drivers and templates of kernels/x86, which know no
/// instruction set, over NEON. The plan takes those that its instruction set allows.
void add_arm_kernels(KernelTable& table);

}  // namespace pare
