#pragma once

#include <string>

#include "core/graph/surgery.h"

namespace pare::test {

struct OracleOptions {
  TiePolicy policy;
  int singles = 40;      ///< units removed one by one, at most
  int sets = 2;          ///< random sets
  uint64_t seed = 1;
};

struct OracleResult {
  std::string problem;   ///< empty: every comparison held
  size_t units = 0;      ///< all units of the graph
  size_t exact = 0;      ///< those that are exact or compensated
  size_t removed = 0;    ///< units removed over all comparisons
};

/// Zeroes and removes the same units in many ways and compares every value of both graphs on the cells that stay, in
/// fp64, at two batch sizes; the smaller graph analysed again must have the remaining units.
OracleResult check_ties(const GraphWithConstants& model, const OpTable& ops, const OracleOptions& options = {});

}  // namespace pare::test
