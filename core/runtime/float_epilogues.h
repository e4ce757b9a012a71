#pragma once

#include <functional>
#include <string>

#include "core/graph/graph.h"

namespace pare {

/// Operator that does a node's work with an epilogue, or empty.
using FusedOp = std::function<std::string(const Node& node)>;

/// Lets convolutions take over what follows them in a graph with concrete shapes: Conv [-> Add of a tensor of its
/// shape]
/// [-> Relu or Clip] becomes one node of the operator that `fused_op` names, with inputs (x, weight, bias, residual)
/// and the bounds as attributes low and high. Values that the caller sees stay.
void fuse_float_epilogues(Graph& graph, const FusedOp& fused_op);

}  // namespace pare
