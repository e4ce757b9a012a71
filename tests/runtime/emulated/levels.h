#pragma once

#include "core/runtime/kernel.h"

namespace pare::test {

/// A level's kernels compiled for any processor: the reference and above it nothing but them, both at Isa::kScalar.
struct EmulatedLevel {
  Isa isa;  ///< that they were written for
  KernelTable table;
};
/// Every level above AVX2; none on other architectures.
std::vector<EmulatedLevel> emulated_levels();

}  // namespace pare::test
