#include "core/graph/ties_axes.h"

#include <algorithm>

namespace pare {

AxisId TieAxes::add(int64_t size) {
  const auto id = static_cast<AxisId>(size_.size());
  size_.push_back(size);
  axis_parent_.push_back(id);
  axis_reason_.push_back(0);
  if (size < 0) freeze(id, "symbolic size");
  if (size == 0 || size == 1) freeze(id, "size 1");
  return id;
}

AxisId TieAxes::root(AxisId axis) const {
  auto& parent = axis_parent_;
  while (parent[static_cast<size_t>(axis)] != axis) {
    AxisId& up = parent[static_cast<size_t>(axis)];
    up = parent[static_cast<size_t>(up)];
    axis = up;
  }
  return axis;
}

int32_t TieAxes::add_reason(const std::string& text) {
  if (reasons_.back() != text) reasons_.push_back(text);
  return static_cast<int32_t>(reasons_.size()) - 1;
}

void TieAxes::same(AxisId a, AxisId b) {
  if (size(a) != size(b)) {  // a conflict freezes; it is never wrong
    freeze(a, "tied to a dim of another size");
    freeze(b, "tied to a dim of another size");
    return;
  }
  a = root(a);
  b = root(b);
  if (a == b) return;
  axis_parent_[static_cast<size_t>(b)] = a;
  if (!axis_reason_[static_cast<size_t>(a)]) axis_reason_[static_cast<size_t>(a)] = axis_reason_[static_cast<size_t>(b)];
}

void TieAxes::freeze(AxisId axis, const std::string& reason) {
  int32_t& slot = axis_reason_[static_cast<size_t>(root(axis))];
  if (!slot) slot = add_reason(reason);
}

void TieAxes::freeze_cell(AxisId axis, int64_t cell, const std::string& reason) {
  frozen_cells_.push_back({axis, cell, add_reason(reason)});
}

void TieAxes::product(AxisId fused, const std::vector<AxisId>& factors, ProductKind kind, const std::string& key,
                      const TiePolicy& policy) {
  Product product{fused, {}, {}, kind, key, -1};
  const auto pin = policy.choices.find(key);
  if (pin != policy.choices.end()) product.pinned = pin->second;
  for (size_t i = 0; i < factors.size(); ++i) {
    if (size(factors[i]) == 1) continue;
    product.factors.push_back(factors[i]);
    product.places.push_back(static_cast<int>(i));
  }
  if (product.factors.size() == 1 && (product.pinned < 0 || product.pinned == product.places[0]))
    same(fused, product.factors[0]);
  else if (!product.factors.empty())
    products_.push_back(std::move(product));
}

int32_t TieAxes::find(int32_t cell) const {
  auto& parent = parent_;
  while (parent[static_cast<size_t>(cell)] != cell) {
    int32_t& up = parent[static_cast<size_t>(cell)];
    up = parent[static_cast<size_t>(up)];
    cell = up;
  }
  return cell;
}

void TieAxes::freeze_class(int32_t cell, int32_t reason) {
  int32_t& slot = cell_reason_[static_cast<size_t>(find(cell))];
  if (!slot) slot = reason;
}

void TieAxes::freeze_resolved(AxisId axis, int32_t reason) {
  axis = root(axis);
  int32_t& slot = axis_reason_[static_cast<size_t>(axis)];
  if (slot) return;
  slot = reason;
  const int64_t first = offset_[static_cast<size_t>(axis)];
  for (int64_t i = 0; i < size(axis); ++i) freeze_class(static_cast<int32_t>(first + i), reason);
}

void TieAxes::join(AxisId a, int64_t i, AxisId b, int64_t j) {
  a = root(a);
  b = root(b);
  const int64_t oa = offset_[static_cast<size_t>(a)], ob = offset_[static_cast<size_t>(b)];
  if (oa < 0 && ob < 0) return;
  if (oa < 0) return freeze_class(static_cast<int32_t>(ob + j), axis_reason_[static_cast<size_t>(a)]);
  if (ob < 0) return freeze_class(static_cast<int32_t>(oa + i), axis_reason_[static_cast<size_t>(b)]);
  const int32_t x = find(static_cast<int32_t>(oa + i)), y = find(static_cast<int32_t>(ob + j));
  if (x == y) return;
  const int32_t low = std::min(x, y), high = std::max(x, y);
  parent_[static_cast<size_t>(high)] = low;
  if (!cell_reason_[static_cast<size_t>(low)])
    cell_reason_[static_cast<size_t>(low)] = cell_reason_[static_cast<size_t>(high)];
}

void TieAxes::allocate() {
  offset_.assign(size_.size(), -1);
  int64_t cells = 0;
  for (AxisId a = 0; a < count(); ++a) {
    if (root(a) != a || axis_reason_[static_cast<size_t>(a)]) continue;
    offset_[static_cast<size_t>(a)] = cells;
    cells += size(a);
  }
  PARE_CHECK(cells <= INT32_MAX, ModelError, "[ties] expected at most {} cells, got {}", INT32_MAX, cells);
  parent_.resize(static_cast<size_t>(cells));
  for (int64_t i = 0; i < cells; ++i) parent_[static_cast<size_t>(i)] = static_cast<int32_t>(i);
  cell_reason_.assign(static_cast<size_t>(cells), 0);
}

bool TieAxes::frozen_now(AxisId axis) {
  axis = root(axis);
  int32_t& slot = axis_reason_[static_cast<size_t>(axis)];
  if (slot) return true;
  const int64_t first = offset_[static_cast<size_t>(axis)];
  for (int64_t i = 0; i < size(axis); ++i)
    if (!cell_reason_[static_cast<size_t>(find(static_cast<int32_t>(first + i)))]) return false;
  slot = cell_reason_[static_cast<size_t>(find(static_cast<int32_t>(first)))];
  return true;
}

std::vector<size_t> TieAxes::candidates(const Product& product) {
  std::vector<size_t> free;
  if (frozen_now(product.fused)) return free;
  for (size_t i = 0; i < product.factors.size(); ++i)
    if (!frozen_now(product.factors[i]) && (product.pinned < 0 || product.pinned == product.places[i]))
      free.push_back(i);
  return free;
}

void TieAxes::settle(const Product& product, const std::vector<size_t>& free) {
  const int32_t reason = add_reason(fmt("{}: the other factor of a fused dim is the free one", product.key));
  for (size_t i = 0; i < product.factors.size(); ++i)
    if (free.empty() || free[0] != i) freeze_resolved(product.factors[i], reason);
  if (free.empty()) return freeze_resolved(product.fused, add_reason(fmt("{}: no factor of the fused dim is free", product.key)));
  choices_[product.key] = product.places[free[0]];
  int64_t inner = 1;
  for (size_t i = free[0] + 1; i < product.factors.size(); ++i) inner *= size(product.factors[i]);
  const AxisId factor = product.factors[free[0]];
  for (int64_t i = 0; i < size(product.fused); ++i) join(product.fused, i, factor, i / inner % size(factor));
}

void TieAxes::resolve_products(const TiePolicy& policy) {
  while (!products_.empty()) {
    std::vector<Product> open;  // several factors could be free
    for (auto& product : products_) {
      const auto free = candidates(product);
      if (free.size() > 1)
        open.push_back(std::move(product));
      else
        settle(product, free);
    }
    const bool progress = open.size() < products_.size();
    products_ = std::move(open);
    if (progress || products_.empty()) continue;
    const Product chosen = std::move(products_.front());
    products_.erase(products_.begin());
    const bool outer = chosen.kind == ProductKind::kGroups ? policy.groups == TiePolicy::Groups::kGroups
                                                           : policy.heads == TiePolicy::Heads::kHeads;
    const auto free = candidates(chosen);
    settle(chosen, {outer ? free.front() : free.back()});
  }
}

void TieAxes::compress() {
  std::vector<int32_t> dense(parent_.size(), -1);
  class_.resize(parent_.size());
  for (size_t i = 0; i < parent_.size(); ++i) {
    const auto top = static_cast<size_t>(find(static_cast<int32_t>(i)));
    if (!cell_reason_[top] && dense[top] < 0) dense[top] = classes_++;
    class_[i] = dense[top];
  }
}

void TieAxes::resolve(const TiePolicy& policy) {
  allocate();
  for (const auto& cell : frozen_cells_)
    if (offset(cell.axis) >= 0) freeze_class(static_cast<int32_t>(offset(cell.axis) + cell.cell), cell.reason);
  for (const auto& run : runs_)
    for (int64_t i = 0; i < run.length; ++i)
      join(run.a, run.a_start + i * run.a_step, run.b, run.b_start + i * run.b_step);
  resolve_products(policy);
  compress();
}

int32_t TieAxes::cell_class(AxisId axis, int64_t cell) const {
  const int64_t first = offset(axis);
  return first < 0 ? -1 : class_[static_cast<size_t>(first + cell)];
}

std::span<const int32_t> TieAxes::classes_on(AxisId axis) const {
  const int64_t first = frozen(axis) ? -1 : offset(axis);
  if (first < 0) return {};
  return {class_.data() + first, static_cast<size_t>(size(axis))};
}

const std::string& TieAxes::reason(AxisId axis, int64_t cell) const {
  const int32_t whole = axis_reason_[static_cast<size_t>(root(axis))];
  const int64_t first = offset(axis);
  if (whole || first < 0) return reasons_[static_cast<size_t>(whole)];
  return reasons_[static_cast<size_t>(cell_reason_[static_cast<size_t>(find(static_cast<int32_t>(first + cell)))])];
}

}  // namespace pare
