#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/graph/ties.h"
#include "tests/conformance/structured/net.h"

namespace pare::test {

/// A small model around one structure, with the units that analysis must find: too many would be wrong removals, too
/// few would be over-tying, which no comparison of values can see.
struct Structure {
  std::string name;
  std::function<GraphWithConstants(Net&)> build;
  size_t units = 0;
  size_t exact = 0;  ///< exact or compensated
  TiePolicy policy;
};

std::vector<Structure> convolution_structures();
std::vector<Structure> sequence_structures();
std::vector<Structure> all_structures();

}  // namespace pare::test
