#include "core/graph/ties_layout.h"

namespace pare {

TieLayout::TieLayout(const Graph& graph) {
  for (ValueId id : graph.values()) {
    const Value& value = graph.value(id);
    PARE_CHECK(value.shape, ModelError, "[ties] the shape of \"{}\" is unknown. Run infer_shapes first", value.name);
    first_.resize(static_cast<size_t>(id) + 1, kNoAxis);
    rank_.resize(static_cast<size_t>(id) + 1, -1);
    first_.back() = axes.count();
    rank_.back() = static_cast<int32_t>(value.shape->size());
    for (const Dim& dim : *value.shape) axes.add(dim.maybe_value().value_or(-1));
  }
}

AxisId TieLayout::axis_of(ValueId value, int64_t dim) const {
  const int64_t rank = rank_of(value);
  if (dim < 0) dim += rank;
  return dim < 0 || dim >= rank ? kNoAxis : first_[static_cast<size_t>(value)] + static_cast<AxisId>(dim);
}

int64_t TieLayout::rank_of(ValueId value) const {
  return value < 0 || static_cast<size_t>(value) >= rank_.size() ? -1 : rank_[static_cast<size_t>(value)];
}

std::span<const int32_t> TieLayout::units_on(AxisId axis) const {
  const int64_t first = axis == kNoAxis || axes.frozen(axis) ? -1 : axes.offset(axis);
  if (first < 0) return {};
  return {unit_of_cell.data() + first, static_cast<size_t>(axes.size(axis))};
}

std::vector<int64_t> TieLayout::kept(AxisId axis, const std::vector<uint8_t>& removed) const {
  std::vector<int64_t> out;
  const auto units = units_on(axis);
  for (int64_t i = 0; i < axes.size(axis); ++i) {
    const int32_t unit = units.empty() ? -1 : units[static_cast<size_t>(i)];
    if (unit < 0 || !removed[static_cast<size_t>(unit)]) out.push_back(i);
  }
  return out;
}

}  // namespace pare
