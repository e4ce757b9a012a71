#include "core/graph/surgery_cut.h"

#include <algorithm>

namespace pare {

int64_t NodeCut::count(AxisId axis) const {
  if (layout_.axes.size(axis) < 0) return -1;
  const auto units = layout_.units_on(axis);
  const auto gone = std::count_if(units.begin(), units.end(), [this](int32_t unit) {
    return unit >= 0 && removed_[static_cast<size_t>(unit)];
  });
  return layout_.axes.size(axis) - gone;
}

ValueId NodeCut::add_literal(const std::string& suffix, Tensor tensor) {
  Graph& graph = model_.graph;
  const std::string name = graph.free_name(fmt("{}.{}", node().name, suffix));
  const ValueId id = graph.add_constant(name, Role::kLiteral, tensor.dtype(), tensor.shape());
  model_.constants.set(name, std::move(tensor));
  remap_.entries[name] = {ParamRemap::Kind::kNew, "", {}};
  return id;
}

NodeId NodeCut::insert_before(size_t i, const std::string& op, const std::string& suffix,
                              std::vector<ValueId> more_inputs, Attrs attrs) {
  Graph& graph = model_.graph;
  more_inputs.insert(more_inputs.begin(), node().inputs[i]);
  const NodeId id = graph.add_node(op, graph.free_name(fmt("{}.{}", node().name, suffix)), std::move(more_inputs),
                                   std::move(attrs));
  graph.move_before(id, node_);
  node().inputs[i] = graph.node(id).outputs[0];
  return id;
}

void NodeCut::scale_input(size_t i, double factor) {
  const DType dtype = graph().value(node().inputs[i]).dtype;
  const ValueId literal = add_literal("width_factor", Tensor::scalar(factor).to(dtype));
  insert_before(i, "Mul", "width_scaled", {literal}, {});
}

}  // namespace pare
