#pragma once

#include <string>
#include <vector>

#include "apps/pare/command.h"
#include "core/runtime/executor.h"

namespace pare {

struct BenchAgainst {
  std::string model, against;     ///< files: the smaller model, and the one that it was made from
  std::vector<std::string> dims;  ///< NAME=SIZE of free dims
  Isa isa;
};

/// Runs both models in turns on inputs of their own and prints times, MACs and bytes, the speed-up, and which part of the
/// ratio of their MACs that is. Returns the exit status.
int bench_against(const BenchAgainst& arguments, const CommonOptions& common);

}  // namespace pare
