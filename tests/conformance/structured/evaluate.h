#pragma once

#include <map>

#include "core/graph/graph.h"

namespace pare::test {

/// Every value of a graph by id: floats as F64, integers as I64.
using Values = std::map<ValueId, Tensor>;

/// Runs a graph in fp64 on libtorch's functions, node by node: an evaluator that shares nothing with ours.
/// Throws ModelError for an operator that the structured tests do not use.
Values evaluate(const Graph& graph, const ConstantStore& constants, const std::map<std::string, Tensor>& inputs);

}  // namespace pare::test
