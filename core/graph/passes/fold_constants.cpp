#include "core/graph/passes/fold_constants.h"

#include <algorithm>
#include <optional>

#include "core/graph/passes/remove_dead.h"

namespace pare {
namespace {

class ConstantFolder {
 public:
  ConstantFolder(GraphWithConstants& model, const OpTable& ops, const FoldConstantsOptions& options)
      : model_(model), graph_(model.graph), options_(options), contents_(infer_contents(model.graph, model.constants, ops)) {}

  Remap run() {
    const std::vector<NodeId> order = graph_.order();
    for (NodeId n : order) {
      if (!graph_.has_node(n)) continue;
      move_target_to_attribute(graph_.node(n));
      if (!fold_known(n) && options_.evaluate) fold_evaluated(n);
    }
    Remap dead = remove_dead(model_);
    for (const auto& name : dead.removed) {
      if (remap_.entries.erase(name) == 0) remap_.removed.push_back(name);
    }
    return std::move(remap_);
  }

 private:
  // The target as attribute values, if at most one dim has to be inferred.
  static std::optional<std::vector<int64_t>> as_attribute(const DimShape& target, const DimShape& x, bool reshape) {
    std::vector<int64_t> out;
    bool inferred = false;
    for (size_t i = 0; i < target.size(); ++i) {
      if (const auto number = target[i].maybe_value()) {
        out.push_back(*number);
        inferred |= *number == -1;
        continue;
      }
      const bool copied = reshape && i < x.size() && x[i] == target[i];
      if (!copied && (inferred || !reshape)) return std::nullopt;
      out.push_back(copied ? 0 : -1);
      inferred |= !copied;
    }
    return out;
  }

  void move_target_to_attribute(Node& node) {
    const bool reshape = node.op == "Reshape" && node.attrs.integer("allowzero", 0) == 0;
    if ((!reshape && node.op != "Expand") || node.inputs.size() < 2 || node.inputs[1] == kNoValue) return;
    const auto known = contents_.find(node.inputs[1]);
    if (known == contents_.end()) return;
    const auto& x = graph_.value(node.inputs[0]).shape;
    const auto target = as_attribute(known->second, *x, reshape);
    if (!target) return;
    node.attrs.set("shape", *target);
    node.inputs.resize(1);
  }

  // Integer results that shape inference computed.
  bool fold_known(NodeId n) {
    const Node& node = graph_.node(n);
    if (node.outputs.size() != 1) return false;
    const auto known = contents_.find(node.outputs[0]);
    if (known == contents_.end()) return false;
    std::vector<int64_t> values;
    for (const Dim& dim : known->second) {
      const auto number = dim.maybe_value();
      if (!number) return false;
      values.push_back(*number);
    }
    const Value& output = graph_.value(node.outputs[0]);
    Shape shape;
    for (const Dim& dim : *output.shape) shape.push_back(dim.value());
    replace(n, {Tensor::of<int64_t>(values, shape).to(output.dtype)});
    return true;
  }

  bool foldable_input(ValueId id) const {
    if (id == kNoValue) return true;
    const Value& value = graph_.value(id);
    return value.role == Role::kLiteral || (options_.parameters && value.is_constant());
  }

  void fold_evaluated(NodeId n) {
    const Node& node = graph_.node(n);
    static constexpr const char* kKept[] = {"QuantizeLinear", "DequantizeLinear", "pare.FakeQuant", "Dropout"};
    if (std::find(std::begin(kKept), std::end(kKept), node.op) != std::end(kKept)) return;
    if (!std::all_of(node.inputs.begin(), node.inputs.end(), [this](ValueId id) { return foldable_input(id); })) return;
    for (ValueId id : node.outputs) {
      const auto count = product_of(*graph_.value(id).shape).maybe_value();
      if (!count || *count > options_.max_elements) return;
    }
    std::vector<Tensor> inputs;
    for (ValueId id : node.inputs)
      inputs.push_back(id == kNoValue ? Tensor() : model_.constants.get(graph_.value(id).name));
    replace(n, options_.evaluate(node, inputs));
  }

  // Literals take the names of the node's outputs.
  void replace(NodeId n, std::vector<Tensor> results) {
    const Node node = graph_.node(n);
    PARE_CHECK(results.size() == node.outputs.size(), InternalError, "[fold_constants] node \"{}\" gave {} results, not {}",
               node.name, results.size(), node.outputs.size());
    std::vector<std::pair<ValueId, std::string>> made;
    for (size_t i = 0; i < results.size(); ++i) {
      const std::string name = graph_.value(node.outputs[i]).name;
      const ValueId id = graph_.add_constant(graph_.free_name(name), Role::kLiteral, results[i].dtype(), results[i].shape());
      graph_.replace_uses(node.outputs[i], id);
      if (const auto known = contents_.find(node.outputs[i]); known != contents_.end()) contents_[id] = known->second;
      made.emplace_back(id, name);
      model_.constants.set(name, std::move(results[i]));
      remap_.entries[name] = {.kind = ParamRemap::Kind::kNew};
    }
    graph_.erase_node(n);
    for (const auto& [id, name] : made) graph_.rename_value(id, name);
  }

  GraphWithConstants& model_;
  Graph& graph_;
  const FoldConstantsOptions& options_;
  std::map<ValueId, DimShape> contents_;
  Remap remap_;
};

}  // namespace

Remap fold_constants(GraphWithConstants& model, const OpTable& ops, const FoldConstantsOptions& options) {
  return ConstantFolder(model, ops, options).run();
}

}  // namespace pare
