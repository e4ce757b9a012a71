#include "core/runtime/plan_graph.h"

#include <algorithm>

namespace pare {

std::string float_op_of(const std::string& op) {
  for (const char* kind : {"QLinear", "Fused"}) {
    const std::string prefix = std::string(kPlanDomain) + kind;
    if (op.rfind(prefix, 0) == 0) return op.substr(prefix.size());
  }
  return op;
}

bool is_inner(const Graph& graph, ValueId id) {
  return graph.users(id).size() == 1 && !graph.is_output(id);
}

ValueId insert_after(Graph& graph, NodeId after, const std::string& op, const std::string& name,
                     std::vector<ValueId> inputs, Attrs attrs, DType dtype, const DimShape& dims) {
  const std::vector<NodeId>& order = graph.order();
  const auto place = std::find(order.begin(), order.end(), after) + 1;
  const NodeId before = place == order.end() ? kNoNode : *place;
  const ValueId result = graph.add(op, graph.free_name(name), std::move(inputs), std::move(attrs));
  graph.value(result).dtype = dtype;
  graph.value(result).shape = dims;
  if (before != kNoNode) graph.move_before(graph.value(result).producer, before);
  return result;
}

}  // namespace pare
