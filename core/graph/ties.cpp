#include "core/graph/ties.h"

#include <algorithm>

#include "core/graph/ops/ties_rules.h"
#include "core/graph/ties_units.h"
#include "core/graph/ties_zero.h"

namespace pare {

const char* name_of(SliceRole role) {
  static constexpr const char* kNames[] = {"producer", "consumer", "state"};
  return kNames[static_cast<size_t>(role)];
}

const char* name_of(Exactness exactness) {
  static constexpr const char* kNames[] = {"exact", "compensated", "inexact"};
  return kNames[static_cast<size_t>(exactness)];
}

std::span<const int32_t> DimGroups::units_on(ValueId value, int64_t dim) const {
  return layout->units_on(layout->axis_of(value, dim));
}

namespace {

void freeze_interface(const Graph& graph, TieLayout& layout) {
  const auto freeze = [&](ValueId id, const char* what) {
    for (int64_t d = 0; d < layout.rank_of(id); ++d)
      layout.axes.freeze(layout.axis_of(id, d), fmt("{} \"{}\"", what, graph.value(id).name));
  };
  for (ValueId id : graph.inputs()) freeze(id, "model input");
  for (ValueId id : graph.outputs()) freeze(id, "model output");
}

// Classes that own a parameter's cell and cover no whole axis: what may become a unit.
std::vector<uint8_t> candidate_classes(const Graph& graph, const TieLayout& layout) {
  const TieAxes& axes = layout.axes;
  std::vector<uint8_t> candidate(static_cast<size_t>(axes.classes()), 0);
  for (ValueId id : graph.values()) {
    if (graph.value(id).role != Role::kParameter) continue;
    for (int64_t d = 0; d < layout.rank_of(id); ++d) {
      for (const int32_t cls : axes.classes_on(layout.axis_of(id, d)))
        if (cls >= 0) candidate[static_cast<size_t>(cls)] = 1;
    }
  }
  for (AxisId axis = 0; axis < axes.count(); ++axis) {
    if (axes.root(axis) != axis) continue;
    const auto classes = axes.classes_on(axis);
    if (classes.empty() || classes[0] < 0) continue;
    if (std::all_of(classes.begin(), classes.end(), [&](int32_t cls) { return cls == classes[0]; }))
      candidate[static_cast<size_t>(classes[0])] = 0;
  }
  return candidate;
}

}  // namespace

DimGroups analyse(const Graph& graph, const ConstantStore& constants, const OpTable& ops, const TiePolicy& policy) {
  const TieRules builtin = builtin_tie_rules();
  TieProgram program;
  program.layout = std::make_shared<TieLayout>(graph);
  freeze_interface(graph, *program.layout);
  for (NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    TieBuilder builder(graph, constants, policy, node, program);
    const OpDef& def = ops.get(node.op);
    if (def.ties) def.ties(builder);
    else if (auto rule = builtin.find(node.op); rule != builtin.end()) rule->second(builder);
    else builder.freeze_all("operator without tie rule");
    builder.finish();
  }
  program.layout->axes.resolve(policy);
  const auto candidate = candidate_classes(graph, *program.layout);
  const ZeroSets zero = ZeroFlow(graph, program, candidate).run();
  return collect_units(graph, program, candidate, zero);
}

}  // namespace pare
