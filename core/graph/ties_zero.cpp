#include "core/graph/ties_zero.h"

#include <algorithm>

namespace pare {

ZeroFlow::ZeroFlow(const Graph& graph, const TieProgram& program, const std::vector<uint8_t>& candidate)
    : graph_(graph), program_(program), axes_(program.layout->axes), class_(axes_.cell_classes()) {
  for (int32_t& cls : class_)
    if (cls >= 0 && !candidate[static_cast<size_t>(cls)]) cls = -1;
  offset_.assign(static_cast<size_t>(axes_.count()), -1);
  sets_.always.assign(static_cast<size_t>(axes_.count()), 0);
  std::vector<int8_t> useful(static_cast<size_t>(axes_.count()), -1);  // of roots
  int64_t cells = 0;
  for (AxisId axis = 0; axis < axes_.count(); ++axis) {
    const auto own = classes(axis);
    if (own.empty()) continue;
    int8_t& known = useful[static_cast<size_t>(axes_.root(axis))];
    if (known < 0) known = std::any_of(own.begin(), own.end(), [](int32_t cls) { return cls >= 0; });
    if (!known) continue;
    offset_[static_cast<size_t>(axis)] = cells;
    cells += axes_.size(axis);
  }
  bits_.resize(static_cast<size_t>(cells));
  for (ValueId id : graph_.values()) {
    if (graph_.value(id).role != Role::kParameter) continue;
    for (int64_t d = 0; d < program_.layout->rank_of(id); ++d) {
      const AxisId axis = program_.layout->axis_of(id, d);
      if (program_.produced.count(axis) || !program_.contracted.count(axis)) sets_.always[static_cast<size_t>(axis)] = 1;
      else columns_of_parameters_.push_back(axis);
    }
  }
}

std::span<const int32_t> ZeroFlow::classes(AxisId axis) const {
  const int64_t first = axis == kNoAxis || axes_.frozen(axis) ? -1 : axes_.offset(axis);
  if (first < 0) return {};
  return {class_.data() + first, static_cast<size_t>(axes_.size(axis))};
}

std::span<uint8_t> ZeroFlow::bits(AxisId axis) {
  const int64_t first = axis == kNoAxis ? -1 : offset_[static_cast<size_t>(axis)];
  if (first < 0) return {};
  return {bits_.data() + first, static_cast<size_t>(axes_.size(axis))};
}

void ZeroFlow::start() {
  grown_ = false;
  sets_.inexact.clear();
  sets_.compensated.clear();
  std::fill(bits_.begin(), bits_.end(), uint8_t{0});
  for (AxisId axis = 0; axis < axes_.count(); ++axis)
    if (sets_.always[static_cast<size_t>(axis)]) fill(axis, true);
  for (const auto& [axis, cls] : sets_.columns) {
    auto to = bits(axis);
    const auto own = classes(axis);
    for (size_t i = 0; i < to.size(); ++i)
      if (own[i] == cls) to[i] = 1;
  }
}

ZeroSets ZeroFlow::run() {
  do {
    start();
    for (const auto& step : program_.flows) step(*this);
  } while (grown_);
  return std::move(sets_);
}

void ZeroFlow::fill(AxisId out, bool zero) {
  for (auto& bit : bits(out)) bit = zero;
}

void ZeroFlow::copy(AxisId out, AxisId in) {
  const auto to = bits(out), from = bits(in);
  if (to.size() == from.size()) std::copy(from.begin(), from.end(), to.begin());
}

void ZeroFlow::all_of(AxisId out, const std::vector<AxisId>& in) {
  auto to = bits(out);
  std::fill(to.begin(), to.end(), uint8_t{1});
  for (AxisId axis : in) {
    const auto from = bits(axis);
    for (size_t i = 0; i < to.size(); ++i) to[i] &= from.size() == to.size() ? from[i] : 0;
  }
}

void ZeroFlow::any_of(AxisId out, const std::vector<AxisId>& in) {
  auto to = bits(out);
  std::fill(to.begin(), to.end(), uint8_t{0});
  for (AxisId axis : in) {
    const auto from = bits(axis);
    for (size_t i = 0; i < to.size() && from.size() == to.size(); ++i) to[i] |= from[i];
  }
}

void ZeroFlow::map(const TieRun& run) {
  const auto from = bits(run.a);
  auto to = bits(run.b);
  if (from.empty() || to.empty()) return;
  for (int64_t i = 0; i < run.length; ++i)
    to[static_cast<size_t>(run.b_start + i * run.b_step)] = from[static_cast<size_t>(run.a_start + i * run.a_step)];
}

void ZeroFlow::reshape(const std::vector<AxisId>& out, const std::vector<AxisId>& in) {
  std::map<int32_t, uint8_t> zero;  // by class: all its cells of the inputs are zero
  for (AxisId axis : in) {
    const auto from = bits(axis);
    const auto own = classes(axis);
    for (size_t i = 0; i < from.size(); ++i) {
      const auto slot = zero.emplace(own[i], from[i]);
      slot.first->second &= from[i];
    }
  }
  for (AxisId axis : out) {
    auto to = bits(axis);
    const auto own = classes(axis);
    for (size_t i = 0; i < to.size(); ++i) {
      const auto found = zero.find(own[i]);
      to[i] = found != zero.end() && found->second;
    }
  }
}

void ZeroFlow::need(AxisId in, AxisId column, const char* why) {
  const auto from = bits(in), columns = bits(column);
  const auto own = classes(in), other = classes(column);
  const bool tied = column != kNoAxis && axes_.root(in) == axes_.root(column);
  const bool always = column != kNoAxis && sets_.always[static_cast<size_t>(column)];
  const bool writable = std::binary_search(columns_of_parameters_.begin(), columns_of_parameters_.end(), column);
  for (size_t i = 0; i < from.size(); ++i) {
    const int32_t cls = own[i];
    if (cls < 0 || from[i]) continue;
    if (tied && !columns.empty() && columns[i]) continue;  // zero anyway
    if ((writable || always) && (tied || std::find(other.begin(), other.end(), cls) != other.end())) {
      if (writable) grown_ |= sets_.columns.emplace(column, cls).second;
    } else {
      sets_.inexact.emplace(cls, why);
    }
  }
}

void ZeroFlow::need_either(AxisId a, AxisId b, const char* why) {
  const auto x = bits(a), y = bits(b);
  const auto own = classes(a);
  for (size_t i = 0; i < x.size(); ++i) {
    const int32_t cls = own[i];
    if (cls >= 0 && !x[i] && (y.size() != x.size() || !y[i])) sets_.inexact.emplace(cls, why);
  }
}

void ZeroFlow::compensate(AxisId in, const char* why) {
  need(in, kNoAxis, why);
  for (const int32_t cls : classes(in))
    if (cls >= 0) sets_.compensated.emplace(cls, why);
}

void ZeroFlow::inexact(AxisId in, const char* why) {
  for (const int32_t cls : classes(in))
    if (cls >= 0) sets_.inexact.emplace(cls, why);
}

}  // namespace pare
