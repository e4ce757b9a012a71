#include "core/graph/stats.h"

#include <algorithm>
#include <set>

namespace pare {
namespace {

// Sums of sizes that come from a file.
int64_t sum(int64_t a, int64_t b) {
  int64_t out = 0;
  PARE_CHECK(!__builtin_add_overflow(a, b, &out), ModelError, "[stats] the sizes exceed 64 bits");
  return out;
}

class Counter {
 public:
  Counter(const Graph& graph, const std::map<std::string, int64_t>& bindings) : graph_(graph), bindings_(bindings) {}

  Shape shape_of(ValueId id) const {
    if (id == kNoValue) return {};
    const Value& value = graph_.value(id);
    PARE_CHECK(value.shape, ModelError, "[stats] the shape of \"{}\" is unknown. Run shape inference first", value.name);
    return evaluate(*value.shape, bindings_);
  }
  int64_t bytes_of(ValueId id) const { return numel_of({numel_of(shape_of(id)), size_of(graph_.value(id).dtype)}); }

  NodeStats count(const Node& node, const OpDef& op) {
    NodeStats out{.node = node.id, .name = node.name, .op = node.op};
    CostContext cost{node, {}, {}};
    for (ValueId id : node.inputs) {
      cost.inputs.push_back(shape_of(id));
      if (id == kNoValue || !graph_.value(id).is_constant() || !counted_.insert(id).second) continue;
      if (graph_.value(id).role == Role::kParameter) out.params = sum(out.params, numel_of(cost.inputs.back()));
      out.constant_bytes = sum(out.constant_bytes, bytes_of(id));
    }
    for (ValueId id : node.outputs) {
      cost.outputs.push_back(shape_of(id));
      out.activation_bytes = sum(out.activation_bytes, bytes_of(id));
    }
    if (op.macs) out.macs = op.macs(cost);
    return out;
  }

 private:
  const Graph& graph_;
  const std::map<std::string, int64_t>& bindings_;
  std::set<ValueId> counted_;
};

int64_t peak_bytes(const Graph& graph, const Counter& counter) {
  std::map<ValueId, NodeId> last;
  for (NodeId n : graph.order())
    for (ValueId id : graph.node(n).inputs) last[id] = n;
  int64_t live = 0, peak = 0;
  for (ValueId id : graph.inputs()) live = sum(live, counter.bytes_of(id));
  for (NodeId n : graph.order()) {
    for (ValueId id : graph.node(n).outputs) live = sum(live, counter.bytes_of(id));
    peak = std::max(peak, live);
    std::set<ValueId> gone;
    for (ValueId id : graph.node(n).inputs)
      if (id != kNoValue && last[id] == n && !graph.value(id).is_constant() && !graph.is_output(id)) gone.insert(id);
    for (ValueId id : graph.node(n).outputs)
      if (!last.count(id) && !graph.is_output(id)) gone.insert(id);
    for (ValueId id : gone) live -= counter.bytes_of(id);
  }
  return peak;
}

}  // namespace

GraphStats graph_stats(const Graph& graph, const OpTable& ops, const std::map<std::string, int64_t>& bindings) {
  GraphStats out;
  Counter counter(graph, bindings);
  for (NodeId n : graph.order()) {
    const Node& node = graph.node(n);
    out.nodes.push_back(counter.count(node, ops.get(node.op)));
    out.params = sum(out.params, out.nodes.back().params);
    out.constant_bytes = sum(out.constant_bytes, out.nodes.back().constant_bytes);
    out.macs = sum(out.macs, out.nodes.back().macs);
  }
  out.peak_activation_bytes = peak_bytes(graph, counter);
  return out;
}

}  // namespace pare
