#include "pruning/criteria/criterion.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "core/base/rng.h"

namespace pare {
namespace {

at::Tensor sums_along(const at::Tensor& value, int64_t dim) {
  return value.detach().to(at::kDouble).cpu().movedim(dim, 0).reshape({value.size(dim), -1}).sum(1).contiguous();
}

std::vector<double> score_group(const NormCriterion& norm, const DimGroups& groups, const DimGroup& group, Model& model) {
  auto sums = unit_sums(groups, group, true, [&](const std::string& name) {
    const at::Tensor w = model.effective(name).detach();
    return norm.p == 1 ? w.abs() : w.square();
  });
  if (norm.p == 2)
    for (double& s : sums) s = std::sqrt(s);
  return sums;
}

std::vector<double> score_group(const TaylorCriterion&, const DimGroups& groups, const DimGroup& group, Model& model) {
  auto sums = unit_sums(groups, group, false, [&](const std::string& name) {
    const at::Tensor& raw = model.param(name).raw;
    PARE_CHECK(raw.grad().defined(), ModelError,
               "[taylor] expected a gradient for \"{}\", got none. Run a backward pass before scoring, or ignore the layer.",
               name);
    return raw.detach() * raw.grad();
  });
  for (double& s : sums) s = std::abs(s);  // after the sum: slices of one unit may cancel, as its removal would
  return sums;
}

std::vector<double> score_group(const RandomCriterion& random, const DimGroups&, const DimGroup& group, Model&) {
  Rng rng = Rng(static_cast<uint64_t>(random.seed)).fork(group.name);
  std::vector<double> out(group.units.size());
  for (double& s : out) s = rng.uniform();
  return out;
}

}  // namespace

std::vector<double> unit_sums(const DimGroups& groups, const DimGroup& group, bool consumers,
                              const std::function<at::Tensor(const std::string& param)>& value) {
  std::vector<at::Tensor> sums(group.operands.size());
  for (size_t i = 0; i < sums.size(); ++i) {
    const TieOperand& operand = group.operands[i];
    const bool counts = operand.role == SliceRole::kProducer || (consumers && operand.role == SliceRole::kConsumer);
    if (counts) sums[i] = sums_along(value(operand.param), operand.dim);
  }
  std::vector<double> out;
  for (int32_t unit : group.units) {
    double total = 0.0;
    for (const UnitSlice& slice : groups.units[static_cast<size_t>(unit)].slices) {
      const at::Tensor& along = sums[static_cast<size_t>(slice.operand)];
      if (along.defined()) total += along.const_data_ptr<double>()[slice.index];
    }
    out.push_back(total);
  }
  return out;
}

std::vector<double> score_units(const CriterionConfig& criterion, const DimGroups& groups, Model& model) {
  at::NoGradGuard no_grad;
  std::vector<double> out(groups.units.size(), 0.0);
  for (const DimGroup& group : groups.groups) {
    const auto scores = std::visit([&](const auto& c) { return score_group(c, groups, group, model); }, criterion);
    for (size_t i = 0; i < scores.size(); ++i) out[static_cast<size_t>(group.units[i])] = scores[i];
  }
  return out;
}

}  // namespace pare
