#include "core/graph/surgery.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/graph/surgery_cut.h"

namespace pare {
namespace {

std::vector<uint8_t> mark(const DimGroups& groups, const Selection& selection) {
  std::vector<uint8_t> removed(groups.units.size(), 0);
  for (int32_t unit : selection.units) {
    PARE_CHECK(unit >= 0 && static_cast<size_t>(unit) < removed.size(), ModelError,
               "[surgery] expected units below {}, got {}", removed.size(), unit);
    const DimGroup& group = groups.groups[static_cast<size_t>(groups.units[static_cast<size_t>(unit)].group)];
    PARE_CHECK(group.exactness != Exactness::kInexact || selection.allow_inexact, ModelError,
               "[surgery] removing units of group \"{}\" is inexact ({}). Allow it explicitly or leave them out",
               group.name, group.reason);
    removed[static_cast<size_t>(unit)] = 1;
  }
  return removed;
}

// The first axis that would be left without a cell, or kNoAxis.
AxisId emptied_axis(const TieLayout& layout, const std::vector<uint8_t>& removed) {
  for (AxisId axis = 0; axis < layout.axes.count(); ++axis) {
    if (layout.axes.root(axis) != axis) continue;
    const auto units = layout.units_on(axis);
    const auto gone = [&](int32_t unit) { return unit >= 0 && removed[static_cast<size_t>(unit)]; };
    if (!units.empty() && std::all_of(units.begin(), units.end(), gone)) return axis;
  }
  return kNoAxis;
}

std::string axis_name(const Graph& graph, const TieLayout& layout, AxisId root) {
  for (ValueId id : graph.values())
    for (int64_t d = 0; d < layout.rank_of(id); ++d)
      if (layout.axes.root(layout.axis_of(id, d)) == root) return fmt("dim {} of \"{}\"", d, graph.value(id).name);
  return "a group count";
}

void check_same_graph(const Graph& graph, const TieLayout& layout) {
  for (ValueId id : graph.values()) {
    const Value& value = graph.value(id);
    bool fits = value.shape && layout.rank_of(id) == static_cast<int64_t>(value.shape->size());
    for (int64_t d = 0; fits && d < layout.rank_of(id); ++d)
      fits = (*value.shape)[static_cast<size_t>(d)].maybe_value().value_or(-1) == layout.axes.size(layout.axis_of(id, d));
    PARE_CHECK(fits, ModelError, "[surgery] the groups were found on another graph (\"{}\" differs). Run analyse again",
               value.name);
  }
}

// What becomes of every constant that shrinks; the graph gets its new shape.
void plan_cuts(Graph& graph, Remap& remap, const TieLayout& layout, const std::vector<uint8_t>& removed) {
  for (ValueId id : graph.values()) {
    Value& value = graph.value(id);
    if (!value.is_constant() || layout.rank_of(id) < 0) continue;
    ParamRemap entry{ParamRemap::Kind::kSliced, value.name, {}};
    for (int64_t d = 0; d < layout.rank_of(id); ++d) {
      const AxisId axis = layout.axis_of(id, d);
      if (layout.units_on(axis).empty()) continue;
      auto kept = layout.kept(axis, removed);
      if (static_cast<int64_t>(kept.size()) == layout.axes.size(axis)) continue;
      value.shape->at(static_cast<size_t>(d)) = Dim(static_cast<int64_t>(kept.size()));
      entry.cuts.push_back({d, std::move(kept)});
    }
    if (!entry.cuts.empty()) remap.entries[value.name] = std::move(entry);
  }
}

// The smaller graph and its remap; the constants are not yet sliced.
SurgeryResult plan_removal(const GraphWithConstants& model, const DimGroups& groups, const std::vector<uint8_t>& removed) {
  const TieLayout& layout = *groups.layout;
  check_same_graph(model.graph, layout);
  const AxisId emptied = emptied_axis(layout, removed);
  PARE_CHECK(emptied == kNoAxis, ModelError, "[surgery] the selection removes all of {}. Keep at least one unit",
             axis_name(model.graph, layout, emptied));
  SurgeryResult result{model, {}};
  for (const auto& [node, step] : layout.cuts) {
    NodeCut cut(result.model, result.remap, layout, removed, node);
    step(cut);
  }
  plan_cuts(result.model.graph, result.remap, layout, removed);
  return result;
}

void drop_unused(GraphWithConstants& model, Remap& remap) {
  std::vector<std::string> names;
  for (ValueId id : model.graph.values())
    if (model.graph.value(id).is_constant()) names.push_back(model.graph.value(id).name);
  model.graph.erase_unused_constants();
  for (const auto& name : names) {
    if (model.graph.find_value(name) != kNoValue) continue;
    model.constants.erase(name);
    if (!remap.entries.erase(name)) remap.removed.push_back(name);
  }
}

// Inference of the smaller graph must find exactly the sizes that the analysis promised.
void check_shapes(const Graph& before, const Graph& after, const TieLayout& layout, const std::vector<uint8_t>& removed) {
  for (ValueId id : after.values()) {
    if (layout.rank_of(id) < 0) continue;
    const Value& value = after.value(id);
    DimShape expected = *before.value(id).shape;
    for (size_t d = 0; d < expected.size(); ++d) {
      const AxisId axis = layout.axis_of(id, static_cast<int64_t>(d));
      if (!layout.units_on(axis).empty()) expected[d] = Dim(static_cast<int64_t>(layout.kept(axis, removed).size()));
    }
    PARE_CHECK(value.shape == expected, ModelError, "[surgery] expected shape {} of \"{}\" after the removal, got {}",
               expected, value.name, value.shape.value_or(DimShape{}));
  }
}

void compare_outputs(const std::vector<Tensor>& masked, const std::vector<Tensor>& cut, double tolerance) {
  PARE_CHECK(masked.size() == cut.size(), ModelError, "[surgery] expected {} outputs, got {}", masked.size(), cut.size());
  for (size_t i = 0; i < masked.size(); ++i) {
    PARE_CHECK(masked[i].shape() == cut[i].shape(), ModelError, "[surgery] expected output {} of shape {}, got {}", i,
               masked[i].shape(), cut[i].shape());
    const auto a = masked[i].to_doubles(), b = cut[i].to_doubles();
    double largest = 0.0, difference = 0.0;
    for (size_t j = 0; j < a.size(); ++j) {
      largest = std::max(largest, std::abs(a[j]));
      const double gap = std::abs(a[j] - b[j]);
      difference = std::isnan(gap) ? INFINITY : std::max(difference, gap);
    }
    PARE_CHECK(difference <= tolerance * std::max(largest, 1e-30), ModelError,
               "[surgery] output {} of the smaller model differs from the masked one by {} (largest value {}, tolerance "
               "{}). The model is left as it was",
               i, difference, largest, tolerance);
  }
}

// Sets the given cells along `dim` to zero bytes.
void zero_cells(Tensor& tensor, int64_t dim, const std::vector<int32_t>& cells) {
  int64_t inner = size_of(tensor.dtype()), outer = 1;
  for (int64_t d = dim + 1; d < tensor.rank(); ++d) inner *= tensor.dim(d);
  for (int64_t d = 0; d < dim; ++d) outer *= tensor.dim(d);
  std::byte* bytes = tensor.mutable_bytes();
  for (int64_t o = 0; o < outer; ++o)
    for (int32_t cell : cells) std::memset(bytes + (o * tensor.dim(dim) + cell) * inner, 0, static_cast<size_t>(inner));
}

}  // namespace

SurgeryResult remove_units(const GraphWithConstants& model, const OpTable& ops, const DimGroups& groups,
                           const Selection& selection, const Evaluate& evaluate, double tolerance) {
  const auto removed = mark(groups, selection);
  SurgeryResult result = plan_removal(model, groups, removed);
  for (const auto& [name, entry] : result.remap.entries)
    if (entry.kind == ParamRemap::Kind::kSliced)
      result.model.constants.set(name, apply(entry, model.constants.get(entry.from)));
  drop_unused(result.model, result.remap);
  infer_shapes(result.model.graph, result.model.constants, ops);
  verify(result.model.graph, result.model.constants, ops);
  check_shapes(model.graph, result.model.graph, *groups.layout, removed);
  const bool comparable = std::all_of(selection.units.begin(), selection.units.end(), [&](int32_t unit) {
    const auto group = static_cast<size_t>(groups.units[static_cast<size_t>(unit)].group);
    return groups.groups[group].exactness != Exactness::kInexact;
  });
  if (evaluate && comparable) {
    const auto masked = evaluate({model.graph, zero_units(model.constants, groups, selection)});
    compare_outputs(masked, evaluate(result.model), tolerance);
  }
  return result;
}

Graph preview_removal(const GraphWithConstants& model, const OpTable& ops, const DimGroups& groups,
                      const Selection& selection) {
  SurgeryResult result = plan_removal(model, groups, mark(groups, {selection.units, true}));
  infer_shapes(result.model.graph, result.model.constants, ops);
  return std::move(result.model.graph);
}

ConstantStore zero_units(const ConstantStore& constants, const DimGroups& groups, const Selection& selection) {
  std::map<std::pair<std::string, int64_t>, std::vector<int32_t>> cells;
  mark(groups, selection);
  for (int32_t u : selection.units) {
    const Unit& unit = groups.units[static_cast<size_t>(u)];
    const DimGroup& group = groups.groups[static_cast<size_t>(unit.group)];
    for (const auto& slice : unit.slices) {
      const TieOperand& operand = group.operands[static_cast<size_t>(slice.operand)];
      if (operand.zero) cells[{operand.param, operand.dim}].push_back(slice.index);
    }
  }
  ConstantStore out = constants;
  std::map<std::string, Tensor> masked;
  for (const auto& [where, list] : cells) {
    auto [it, fresh] = masked.try_emplace(where.first);
    if (fresh) it->second = constants.get(where.first).clone();
    zero_cells(it->second, where.second, list);
  }
  for (auto& [name, tensor] : masked) out.set(name, std::move(tensor));
  return out;
}

bool leaves_cells(const DimGroups& groups, const Selection& selection) {
  return emptied_axis(*groups.layout, mark(groups, selection)) == kNoAxis;
}

}  // namespace pare
