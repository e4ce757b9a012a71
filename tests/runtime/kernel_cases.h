#pragma once
// Models of one node, in sizes around the tiles of the fast kernels.

#include <map>
#include <string>
#include <vector>

#include "tests/runtime/support.h"

namespace pare::test {

struct KernelCase {
  std::string name;
  FrozenModel model;
  std::vector<Tensor> inputs;
  double winograd_error = 0.0;  ///< what Winograd's rounding may add to the error of a direct sum
};

using KernelCases = std::vector<KernelCase> (*)();
/// By operator; every operator with a kernel above the reference.
const std::map<std::string, KernelCases>& kernel_cases();

}  // namespace pare::test
