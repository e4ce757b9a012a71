#include "core/graph/ties_units.h"

#include <algorithm>
#include <map>

namespace pare {
namespace {

// Slices carry a graph-wide operand key (axis, zero or not) until groups are known.
struct Collector {
  const Graph& graph;
  const TieProgram& program;
  const ZeroSets& zero;
  const TieLayout& layout;
  DimGroups out;
  std::map<AxisId, std::pair<ValueId, int64_t>> axis_names;
  std::vector<int32_t> class_of_unit;

  void number_units(const std::vector<uint8_t>& candidate);
  void list_slices(ValueId value, int64_t dim);
  void note_frozen(ValueId value, int64_t dim);
  TieOperand operand(int32_t key) const;
  void group_units();
  void name_groups();
};

int32_t key_of(AxisId axis, bool zero) { return axis * 2 + (zero ? 1 : 0); }

void Collector::number_units(const std::vector<uint8_t>& candidate) {
  std::vector<int32_t> unit_of_class(candidate.size(), -1);
  for (size_t cls = 0; cls < candidate.size(); ++cls) {
    if (!candidate[cls]) continue;
    unit_of_class[cls] = static_cast<int32_t>(class_of_unit.size());
    class_of_unit.push_back(static_cast<int32_t>(cls));
  }
  out.units.resize(class_of_unit.size());
  auto& cells = program.layout->unit_of_cell;
  cells = layout.axes.cell_classes();
  for (int32_t& cell : cells) cell = cell < 0 ? -1 : unit_of_class[static_cast<size_t>(cell)];
}

void Collector::list_slices(ValueId value, int64_t dim) {
  const AxisId axis = layout.axis_of(value, dim);
  const auto units = layout.units_on(axis);
  if (units.empty()) return;
  axis_names[axis] = {value, dim};
  const bool always = zero.always[static_cast<size_t>(axis)] != 0;
  for (size_t i = 0; i < units.size(); ++i) {
    if (units[i] < 0) continue;
    const auto unit = static_cast<size_t>(units[i]);
    const bool zeroed = always || zero.columns.count({axis, class_of_unit[unit]}) != 0;
    out.units[unit].slices.push_back({key_of(axis, zeroed), static_cast<int32_t>(i)});
  }
}

void Collector::note_frozen(ValueId value, int64_t dim) {
  const AxisId axis = layout.axis_of(value, dim);
  const int64_t size = layout.axes.size(axis);
  const auto units = layout.units_on(axis);
  if (size <= 1) return;
  FrozenAxis frozen{graph.value(value).name, dim, 0, ""};
  for (int64_t i = 0; i < size; ++i) {
    if (!units.empty() && units[static_cast<size_t>(i)] >= 0) continue;
    if (!frozen.cells++) frozen.reason = layout.axes.reason(axis, i);
    if (units.empty()) {
      frozen.cells = size;
      break;
    }
  }
  if (!frozen.cells) return;
  if (frozen.reason.empty()) frozen.reason = "it would leave a dim empty";
  out.frozen.push_back(std::move(frozen));
}

TieOperand Collector::operand(int32_t key) const {
  const AxisId axis = key / 2;
  const auto [value, dim] = axis_names.at(axis);
  TieOperand operand;
  operand.value = value;
  operand.param = graph.value(value).name;
  operand.dim = dim;
  operand.zero = key % 2 != 0;
  const bool column = program.contracted.count(axis) && !program.produced.count(axis);
  if (graph.value(value).role != Role::kParameter) operand.role = SliceRole::kState;
  else if (column) operand.role = SliceRole::kConsumer;
  return operand;
}

void Collector::group_units() {
  using Signature = std::pair<std::string, std::vector<int32_t>>;
  std::map<Signature, int32_t> known;
  for (size_t u = 0; u < out.units.size(); ++u) {
    Unit& unit = out.units[u];
    Signature signature;
    Exactness exactness = Exactness::kExact;
    const int32_t cls = class_of_unit[u];
    if (const auto it = zero.compensated.find(cls); it != zero.compensated.end()) {
      exactness = Exactness::kCompensated;
      signature.first = it->second;
    }
    if (const auto it = zero.inexact.find(cls); it != zero.inexact.end()) {
      exactness = Exactness::kInexact;
      signature.first = it->second;
    }
    for (const auto& slice : unit.slices) signature.second.push_back(slice.operand);
    const auto [it, fresh] = known.emplace(std::move(signature), static_cast<int32_t>(out.groups.size()));
    if (fresh) {
      DimGroup group;
      group.exactness = exactness;
      group.reason = it->first.first;
      for (int32_t key : it->first.second)
        if (group.operands.empty() || key_of(layout.axis_of(group.operands.back().value, group.operands.back().dim),
                                             group.operands.back().zero) != key)
          group.operands.push_back(operand(key));
      out.groups.push_back(std::move(group));
    }
    unit.group = it->second;
    out.groups[static_cast<size_t>(unit.group)].units.push_back(static_cast<int32_t>(u));
    int32_t local = -1, last = -1;
    for (auto& slice : unit.slices) {
      if (slice.operand != last) ++local;
      last = slice.operand;
      slice.operand = local;
    }
  }
}

void Collector::name_groups() {
  for (auto& group : out.groups) {
    const auto first = std::find_if(group.operands.begin(), group.operands.end(),
                                    [](const TieOperand& operand) { return operand.role == SliceRole::kProducer; });
    group.name = (first == group.operands.end() ? group.operands.front() : *first).param;
  }
}

}  // namespace

DimGroups collect_units(const Graph& graph, const TieProgram& program, const std::vector<uint8_t>& candidate,
                        const ZeroSets& zero) {
  Collector collector{graph, program, zero, *program.layout, {}, {}, {}};
  collector.number_units(candidate);
  for (ValueId id : graph.values()) {
    if (!graph.value(id).is_constant()) continue;
    for (int64_t d = 0; d < collector.layout.rank_of(id); ++d) {
      collector.list_slices(id, d);
      if (graph.value(id).role == Role::kParameter) collector.note_frozen(id, d);
    }
  }
  collector.group_units();
  collector.name_groups();
  collector.out.choices = program.layout->axes.choices();
  collector.out.layout = program.layout;
  return std::move(collector.out);
}

}  // namespace pare
