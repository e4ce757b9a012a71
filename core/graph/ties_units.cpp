#include "core/graph/ties_units.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace pare {
namespace {

// Slices carry a graph-wide operand key (axis, zero or not) until groups are known.
int32_t key_of(AxisId axis, bool zero) { return axis * 2 + (zero ? 1 : 0); }

struct Collector {
  const Graph& graph;
  const TieProgram& program;
  const ZeroSets& zero;
  const TieLayout& layout;
  DimGroups out;
  std::vector<int32_t> class_of_unit;
  std::vector<std::pair<ValueId, int64_t>> dims;  // of constants with units
  std::vector<int32_t> dim_of_axis;               // index in `dims`, or -1
  std::vector<int32_t> kind_of_unit;              // index in `kinds`
  std::vector<std::pair<Exactness, std::string>> kinds{{Exactness::kExact, ""}};  // with the reason
  std::shared_ptr<std::vector<UnitSlice>> slices;

  void number_units(const std::vector<uint8_t>& candidate);
  void list_slices();
  void note_frozen(ValueId value, int64_t dim);
  TieOperand operand(int32_t key) const;
  void classify(const std::map<int32_t, std::string>& reasons, Exactness exactness);
  bool alike(const Unit& a, const Unit& b) const;
  void group_units();
  void add_group(size_t unit);
  void localise(Unit& unit);
  void name_groups();
};

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

// One array for all units: counted first, then filled.
void Collector::list_slices() {
  std::vector<size_t> end(out.units.size() + 1, 0);
  for (const auto& [value, dim] : dims)
    for (int32_t unit : layout.units_on(layout.axis_of(value, dim)))
      if (unit >= 0) ++end[static_cast<size_t>(unit) + 1];
  for (size_t u = 0; u < out.units.size(); ++u) end[u + 1] += end[u];
  slices = std::make_shared<std::vector<UnitSlice>>(end.back());
  std::vector<size_t> next(end.begin(), end.end() - 1);
  for (const auto& [value, dim] : dims) {
    const AxisId axis = layout.axis_of(value, dim);
    const auto units = layout.units_on(axis);
    const bool always = zero.always[static_cast<size_t>(axis)] != 0;
    const auto column = zero.columns.lower_bound({axis, INT32_MIN});
    const bool some = column != zero.columns.end() && column->first == axis;
    for (size_t i = 0; i < units.size(); ++i) {
      if (units[i] < 0) continue;
      const auto unit = static_cast<size_t>(units[i]);
      const bool zeroed = always || (some && zero.columns.count({axis, class_of_unit[unit]}) != 0);
      (*slices)[next[unit]++] = {key_of(axis, zeroed), static_cast<int32_t>(i)};
    }
  }
  for (size_t u = 0; u < out.units.size(); ++u) out.units[u].slices = {slices->data() + end[u], end[u + 1] - end[u]};
  out.slices = slices;
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
  const auto [value, dim] = dims[static_cast<size_t>(dim_of_axis[static_cast<size_t>(axis)])];
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

// Units of the classes named get a kind of their own for each reason.
void Collector::classify(const std::map<int32_t, std::string>& reasons, Exactness exactness) {
  if (reasons.empty()) return;
  std::map<std::string, int32_t> known;
  for (size_t u = 0; u < class_of_unit.size(); ++u) {
    const auto found = reasons.find(class_of_unit[u]);
    if (found == reasons.end()) continue;
    const auto [slot, fresh] = known.emplace(found->second, static_cast<int32_t>(kinds.size()));
    if (fresh) kinds.emplace_back(exactness, found->second);
    kind_of_unit[u] = slot->second;
  }
}

bool Collector::alike(const Unit& a, const Unit& b) const {
  return std::equal(a.slices.begin(), a.slices.end(), b.slices.begin(), b.slices.end(),
                    [](const UnitSlice& x, const UnitSlice& y) { return x.operand == y.operand; });
}

void Collector::add_group(size_t unit) {
  DimGroup group;
  std::tie(group.exactness, group.reason) = kinds[static_cast<size_t>(kind_of_unit[unit])];
  int32_t last = -1;
  for (const auto& slice : out.units[unit].slices) {
    if (slice.operand != last) group.operands.push_back(operand(slice.operand));
    last = slice.operand;
  }
  out.groups.push_back(std::move(group));
}

// Units with the same operands and the same exactness; neighbours mostly are alike, others are found by hash.
void Collector::group_units() {
  std::unordered_multimap<size_t, int32_t> known;
  const auto joins = [&](size_t unit, const DimGroup& group) {
    const auto first = static_cast<size_t>(group.units[0]);
    return kind_of_unit[unit] == kind_of_unit[first] && alike(out.units[unit], out.units[first]);
  };
  for (size_t u = 0; u < out.units.size(); ++u) {
    int32_t place = u > 0 ? out.units[u - 1].group : -1;
    if (place < 0 || !joins(u, out.groups[static_cast<size_t>(place)])) {
      size_t hash = 0;
      for (const auto& slice : out.units[u].slices) hash = hash * 1000003 + static_cast<size_t>(slice.operand);
      place = -1;
      for (auto [it, last] = known.equal_range(hash); it != last && place < 0; ++it)
        if (joins(u, out.groups[static_cast<size_t>(it->second)])) place = it->second;
      if (place < 0) {
        place = static_cast<int32_t>(out.groups.size());
        known.emplace(hash, place);
        add_group(u);
      }
    }
    out.units[u].group = place;
    out.groups[static_cast<size_t>(place)].units.push_back(static_cast<int32_t>(u));
  }
}

// Graph-wide keys become indices into the group's operands.
void Collector::localise(Unit& unit) {
  int32_t local = -1, last = -1;
  const auto first = static_cast<size_t>(unit.slices.data() - slices->data());
  for (size_t i = first; i < first + unit.slices.size(); ++i) {
    UnitSlice& slice = (*slices)[i];
    if (slice.operand != last) ++local;
    last = slice.operand;
    slice.operand = local;
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
  Collector collector{.graph = graph, .program = program, .zero = zero, .layout = *program.layout};
  collector.number_units(candidate);
  collector.kind_of_unit.assign(collector.class_of_unit.size(), 0);
  collector.classify(zero.compensated, Exactness::kCompensated);
  collector.classify(zero.inexact, Exactness::kInexact);
  collector.dim_of_axis.assign(static_cast<size_t>(collector.layout.axes.count()), -1);
  for (ValueId id : graph.values()) {
    const Value& value = graph.value(id);
    if (!value.is_constant()) continue;
    for (int64_t d = 0; d < collector.layout.rank_of(id); ++d) {
      const AxisId axis = collector.layout.axis_of(id, d);
      if (!collector.layout.units_on(axis).empty()) {
        collector.dim_of_axis[static_cast<size_t>(axis)] = static_cast<int32_t>(collector.dims.size());
        collector.dims.emplace_back(id, d);
      }
      if (value.role == Role::kParameter) collector.note_frozen(id, d);
    }
  }
  collector.list_slices();
  collector.group_units();
  for (Unit& unit : collector.out.units) collector.localise(unit);
  collector.name_groups();
  collector.out.choices = program.layout->axes.choices();
  collector.out.layout = program.layout;
  return std::move(collector.out);
}

}  // namespace pare
