#include "pruning/group_sparsity/unit_table.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <map>

namespace pare {
namespace {

std::map<std::string, std::vector<int64_t>> trained_shapes(const Model& model) {
  std::map<std::string, std::vector<int64_t>> out;
  for (const Param& param : model.params())
    if (param.raw.requires_grad()) out[param.name] = param.raw.sizes().vec();
  return out;
}

}  // namespace

UnitTable::UnitTable(const DimGroups& groups, const std::vector<bool>& allowed, const Model& model)
    : units_(static_cast<int64_t>(groups.units.size())) {
  const auto shapes = trained_shapes(model);
  std::map<std::pair<std::string, int64_t>, at::Tensor> cells;  // one dim may hold units of several groups
  for (size_t u = 0; u < groups.units.size(); ++u) {
    const Unit& unit = groups.units[u];
    if (!allowed[static_cast<size_t>(unit.group)]) continue;
    for (const UnitSlice& slice : unit.slices) {
      const TieOperand& operand =
          groups.groups[static_cast<size_t>(unit.group)].operands[static_cast<size_t>(slice.operand)];
      const auto shape = shapes.find(operand.param);
      if (!operand.zero || shape == shapes.end()) continue;
      at::Tensor& map = cells[{operand.param, operand.dim}];
      if (!map.defined()) map = at::full({shape->second[static_cast<size_t>(operand.dim)]}, units_, at::kLong);
      map.mutable_data_ptr<int64_t>()[slice.index] = static_cast<int64_t>(u);
    }
  }
  std::vector<at::Tensor> maps;
  int64_t start = 0;
  for (const auto& [where, map] : cells) {
    Operand operand{where.first, where.second, map, start, {}, {}, shapes.at(where.first)};
    for (int64_t d = 0; d < static_cast<int64_t>(operand.shape.size()); ++d) {
      if (d != operand.dim) operand.others.push_back(d);
      operand.view.push_back(d == operand.dim ? map.numel() : 1);
    }
    start += map.numel();
    maps.push_back(map);
    if (params_.empty() || params_.back() != where.first) params_.push_back(where.first);
    operands_.push_back(std::move(operand));
  }
  PARE_CHECK(!operands_.empty(), ModelError, "[prune] expected trained parameters in the removable units, found none");
  unit_of_any_cell_ = at::cat(maps);
  sizes_ = sums([&](const std::string& param) { return at::ones(shapes.at(param)); });
}

at::Tensor UnitTable::sums(const TensorOf& value) const {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> parts;
  std::string last;
  at::Tensor tensor;
  for (const Operand& operand : operands_) {
    if (operand.param != last) tensor = value(operand.param).detach();
    last = operand.param;
    parts.push_back((operand.others.empty() ? tensor : tensor.sum(operand.others)).cpu());
  }
  at::Tensor out = at::zeros({units_ + 1}, at::kDouble);
  out.index_add_(0, unit_of_any_cell_, at::cat(parts).to(at::kDouble));
  return out.narrow(0, 0, units_);
}

void UnitTable::scale(const TensorOf& target, const at::Tensor& factors) const {
  at::NoGradGuard no_grad;
  const at::Tensor by_cell = at::cat({factors.to(at::kFloat), at::ones({1})}).index_select(0, unit_of_any_cell_);
  for (const Operand& operand : operands_) {
    const at::Tensor tensor = target(operand.param);
    if (!tensor.defined() || tensor.sizes() != at::IntArrayRef(operand.shape)) continue;
    const at::Tensor factor = by_cell.narrow(0, operand.start, operand.unit_of_cell.numel()).view(operand.view);
    tensor.detach().mul_(factor.to(tensor.options()));
  }
}

}  // namespace pare
