#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/tensor.h"
#include "core/graph/graph.h"

namespace pare {

/// Sizes of the inputs' free dims from `--dim` values NAME=SIZE; dims that are not given are 1. Throws ConfigError for unknown
/// names and sizes below 1.
std::map<std::string, int64_t> bench_bindings(const Graph& graph, const std::vector<std::string>& given);

/// One tensor an input, standard normal; integers (token ids, masks) are the whole part of its size and so small.
std::vector<Tensor> bench_inputs(const Graph& graph, const std::map<std::string, int64_t>& bindings);

}  // namespace pare
