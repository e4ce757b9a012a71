#include "core/runtime/float_epilogues.h"

#include <limits>

#include "core/runtime/plan_graph.h"

namespace pare {
namespace {

class Epilogues {
 public:
  explicit Epilogues(Graph& graph) : graph_(graph) {}

  void fuse(const Node& node, const std::string& op) {
    last_ = node.id;
    inputs_ = node.inputs;
    inputs_.resize(4, kNoValue);
    attrs_ = node.attrs;
    if (const Node* add = next("Add")) take_sum(*add);
    const Node* activation = next("Relu");
    if (!activation) activation = next("Clip");
    if (activation) take_bounds(*activation);
    if (last_ == node.id) return;
    const Value& old = graph_.value(output());
    const ValueId result =
        insert_after(graph_, last_, op, node.name + ".fused", inputs_, attrs_, old.dtype, *old.shape);
    graph_.replace_uses(graph_.node(last_).outputs[0], result);
  }

 private:
  ValueId output() const { return graph_.node(last_).outputs[0]; }

  // The only reader of what has been fused so far.
  const Node* next(const char* op) const {
    if (!is_inner(graph_, output())) return nullptr;
    const Node& user = graph_.node(graph_.users(output())[0]);
    return user.op == op ? &user : nullptr;
  }

  void take_sum(const Node& add) {
    const ValueId other = add.inputs[add.inputs[0] == output() ? 1 : 0];
    if (other == output() || *graph_.value(other).shape != *graph_.value(output()).shape) return;
    inputs_[3] = other;
    last_ = add.id;
  }

  void take_bounds(const Node& activation) {
    const bool relu = activation.op == "Relu";
    const double infinity = std::numeric_limits<double>::infinity();
    attrs_.set("low", relu ? 0.0 : activation.attrs.number("min", -infinity));
    attrs_.set("high", relu ? infinity : activation.attrs.number("max", infinity));
    last_ = activation.id;
  }

  Graph& graph_;
  NodeId last_ = kNoNode;
  std::vector<ValueId> inputs_;
  Attrs attrs_;
};

}  // namespace

void fuse_float_epilogues(Graph& graph, const FusedOp& fused_op) {
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    if (graph.node(id).op != "Conv") continue;
    const std::string op = fused_op(graph.node(id));
    if (!op.empty()) Epilogues(graph).fuse(graph.node(id), op);
  }
}

}  // namespace pare
