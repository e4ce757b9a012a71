#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/graph/op.h"

namespace pare {

/// Cost of one node.
struct NodeStats {
  NodeId node = kNoNode;
  std::string name, op;
  int64_t params = 0;           ///< elements of parameters first read by this node
  int64_t constant_bytes = 0;   ///< bytes of all constants first read by this node, as declared
  int64_t macs = 0;             ///< multiply-accumulates of convolutions and matrix products
  int64_t activation_bytes = 0; ///< bytes of the outputs
};

struct GraphStats {
  std::vector<NodeStats> nodes;  ///< in graph order
  int64_t params = 0, constant_bytes = 0, macs = 0;
  int64_t peak_activation_bytes = 0;  ///< largest sum of live activations, inputs and outputs included, without reuse
};

/// Costs under the bindings of the symbolic dims, usually {{"N", 1}}. Shapes must have been inferred. A shared constant
/// counts once. Throws ModelError when a symbol is unbound.
GraphStats graph_stats(const Graph& graph, const OpTable& ops, const std::map<std::string, int64_t>& bindings);

}  // namespace pare
