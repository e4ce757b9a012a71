#include "core/graph/passes/remove_identity.h"

#include <algorithm>

#include "core/graph/passes/remove_dead.h"

namespace pare {
namespace {

bool all_zero(const std::vector<int64_t>& values) {
  return std::all_of(values.begin(), values.end(), [](int64_t v) { return v == 0; });
}

bool all_forward(const Node& node) {
  const auto steps = node.attrs.integers("steps", {});
  return std::all_of(steps.begin(), steps.end(), [](int64_t v) { return v == 1; });
}

bool is_no_op(const Graph& graph, const Node& node, bool dropout) {
  if (node.op == "Identity" || (dropout && node.op == "Dropout")) return true;
  const Value& from = graph.value(node.inputs[0]);
  const Value& to = graph.value(node.outputs[0]);
  if (node.op == "Cast") return from.dtype == to.dtype;
  if (node.op == "Pad") return all_zero(node.attrs.integers("pads"));
  if (node.op == "Transpose") {
    const auto perm = node.attrs.integers("perm", {});
    const bool ascending = std::is_sorted(perm.begin(), perm.end()) && all_zero({perm.empty() ? 1 : perm.front()});
    return ascending || (from.shape && from.shape->size() <= 1);
  }
  const bool same = from.shape && to.shape && *from.shape == *to.shape;
  if (node.op == "Slice") return same && all_forward(node);
  return same && (node.op == "Reshape" || node.op == "Expand" || node.op == "Squeeze" || node.op == "Flatten");
}

}  // namespace

Remap remove_identity(GraphWithConstants& model, RemoveIdentityOptions options) {
  Graph& graph = model.graph;
  const std::vector<NodeId> order = graph.order();
  for (NodeId n : order) {
    const Node& node = graph.node(n);
    if (!is_no_op(graph, node, options.dropout)) continue;
    const ValueId from = node.inputs[0], to = node.outputs[0];
    const std::string name = graph.value(to).name;
    const bool rename = graph.is_output(to);
    if (rename && (graph.is_output(from) || graph.value(from).producer == kNoNode)) continue;
    graph.replace_uses(to, from);
    graph.erase_node(n);
    if (rename) graph.rename_value(from, name);
  }
  Remap remap;
  drop_unused_constants(model, remap);
  return remap;
}

}  // namespace pare
