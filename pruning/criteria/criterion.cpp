#include "pruning/criteria/criterion.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/base/rng.h"
#include "pruning/criteria/power_sums.h"

namespace pare {
namespace {

// Over all other dims, pairwise in the tensor's own type; [size of the dim] fp64 on the CPU.
at::Tensor sums_along(const at::Tensor& value, int64_t dim) {
  std::vector<int64_t> others;
  for (int64_t d = 0; d < value.dim(); ++d)
    if (d != dim) others.push_back(d);
  const at::Tensor sums = others.empty() ? value.detach() : value.detach().sum(others);
  return sums.to(at::kDouble).cpu().contiguous();
}

at::Tensor weight_times_gradient(Model& model, const std::string& name) {
  const at::Tensor& raw = model.param(name).raw;
  PARE_CHECK(
      raw.grad().defined(), ModelError,
      "[prune] expected a gradient for \"{}\", got none. Run a backward pass before scoring, or ignore the layer.",
      name);
  return raw.detach() * raw.grad();
}

// Sum over each unit's slices of `along(operand)[index]`; operands with null do not count.
std::vector<double> slice_sums(const DimGroups& groups, const DimGroup& group,
                               const std::function<const double*(const TieOperand&)>& along) {
  std::vector<const double*> values;
  for (const TieOperand& operand : group.operands) values.push_back(along(operand));
  std::vector<double> out;
  out.reserve(group.units.size());
  for (int32_t unit : group.units) {
    double total = 0.0;
    for (const UnitSlice& slice : groups.units[static_cast<size_t>(unit)].slices)
      if (const double* at = values[static_cast<size_t>(slice.operand)]) total += at[slice.index];
    out.push_back(total);
  }
  return out;
}

// Sum over a unit's producer slices of `value(param)`, a tensor of the parameter's shape.
std::vector<double> unit_sums(const DimGroups& groups, const DimGroup& group,
                              const std::function<at::Tensor(const std::string& param)>& value) {
  std::vector<at::Tensor> sums;
  return slice_sums(groups, group, [&](const TieOperand& operand) -> const double* {
    if (operand.role != SliceRole::kProducer) return nullptr;
    sums.push_back(sums_along(value(operand.param), operand.dim));
    return sums.back().const_data_ptr<double>();
  });
}

// Scores of one group; built once a scoring.
class Scorer {
 public:
  Scorer(const DimGroups& groups, Model& model, const GradientPasses& passes)
      : groups_(groups), model_(model), passes_(passes) {}

  // All groups at once, since a parameter mostly has units of two.
  void prepare(const NormCriterion& norm, const std::vector<bool>& allowed);
  void operator()(const NormCriterion& norm, const DimGroup& group, std::vector<double>& out) const {
    out = slice_sums(groups_, group, [&](const TieOperand& operand) -> const double* {
      return operand.role == SliceRole::kState ? nullptr : norms_.at({operand.param, operand.dim}).data();
    });
    if (norm.p == 2)
      for (double& s : out) s = std::sqrt(s);
  }
  // The share of one pass; the absolute value is taken behind the last: slices of one unit may cancel, as its removal
  // would.
  void operator()(const TaylorCriterion& taylor, const DimGroup& group, std::vector<double>& out) const {
    const auto dots =
        unit_sums(groups_, group, [&](const std::string& name) { return weight_times_gradient(model_, name); });
    for (size_t i = 0; i < dots.size(); ++i)
      out[i] += (taylor.order == 2 ? 0.5 * dots[i] * dots[i] - dots[i] : -dots[i]) / static_cast<double>(passes_.count);
  }
  void operator()(const HessianCriterion&, const DimGroup& group, std::vector<double>& out) const {
    const auto squares = unit_sums(
        groups_, group, [&](const std::string& name) { return weight_times_gradient(model_, name).square(); });
    for (size_t i = 0; i < squares.size(); ++i) out[i] += 0.5 * squares[i] / static_cast<double>(passes_.count);
  }
  void operator()(const BnScaleCriterion&, const DimGroup& group, std::vector<double>& out) const;
  void operator()(const FpgmCriterion&, const DimGroup& group, std::vector<double>& out) const;
  void operator()(const RandomCriterion& random, const DimGroup& group, std::vector<double>& out) const {
    Rng rng = Rng(static_cast<uint64_t>(random.seed)).fork(group.name);
    for (double& s : out) s = rng.uniform();
  }

 private:
  /// Rows of one operand by unit, [units, slices of a unit * elements of a slice] fp64.
  at::Tensor rows(const DimGroup& group, size_t operand) const;
  const DimGroups& groups_;
  Model& model_;
  const GradientPasses& passes_;
  std::map<std::pair<std::string, int64_t>, std::vector<double>> norms_;  // by parameter and dim
};

void Scorer::prepare(const NormCriterion& norm, const std::vector<bool>& allowed) {
  std::map<std::string, std::set<int64_t>> wanted;
  for (size_t g = 0; g < allowed.size(); ++g)
    for (const TieOperand& operand : groups_.groups[g].operands)
      if (allowed[g] && operand.role != SliceRole::kState) wanted[operand.param].insert(operand.dim);
  std::vector<PowerSums> jobs;
  for (const auto& [name, dims] : wanted)
    jobs.push_back({model_.effective(name).detach(), {dims.begin(), dims.end()}, {}});
  power_sums(jobs, norm.p);
  size_t job = 0;
  for (const auto& [name, dims] : wanted) {
    for (size_t i = 0; i < jobs[job].dims.size(); ++i)
      norms_[{name, jobs[job].dims[i]}] = std::move(jobs[job].sums[i]);
    ++job;
  }
}

void Scorer::operator()(const BnScaleCriterion&, const DimGroup& group, std::vector<double>& out) const {
  std::set<std::string> scales;
  const Graph& graph = model_.graph();
  for (NodeId id : graph.order())
    if (const Node& node = graph.node(id); node.op == "BatchNormalization")
      scales.insert(graph.value(node.inputs[1]).name);
  const bool any = std::any_of(group.operands.begin(), group.operands.end(),
                               [&](const TieOperand& o) { return scales.count(o.param); });
  PARE_CHECK(any, ConfigError,
             "[prune] criterion bn_scale: expected a BatchNorm in group \"{}\", found none. Ignore it or use "
             "another criterion.",
             group.name);
  const auto sums_of = [&](const std::function<at::Tensor(const at::Tensor&)>& f) {
    return unit_sums(groups_, group, [&](const std::string& name) {
      const at::Tensor w = model_.effective(name).detach();
      return scales.count(name) ? f(w) : at::zeros(w.sizes());
    });
  };
  out = sums_of([](const at::Tensor& w) { return w.abs(); });
  const auto counts = sums_of([](const at::Tensor& w) { return w.abs().ge(0.0).to(at::kDouble); });
  for (size_t i = 0; i < out.size(); ++i) out[i] /= std::max(counts[i], 1.0);
}

at::Tensor Scorer::rows(const DimGroup& group, size_t operand) const {
  std::vector<int64_t> cells;
  for (int32_t unit : group.units)
    for (const UnitSlice& slice : groups_.units[static_cast<size_t>(unit)].slices)
      if (slice.operand == static_cast<int32_t>(operand)) cells.push_back(slice.index);
  const TieOperand& where = group.operands[operand];
  const at::Tensor w = model_.effective(where.param).detach().to(at::kDouble).cpu().movedim(where.dim, 0);
  return w.index_select(0, at::tensor(cells, at::kLong)).reshape({static_cast<int64_t>(group.units.size()), -1});
}

void Scorer::operator()(const FpgmCriterion&, const DimGroup& group, std::vector<double>& out) const {
  const auto units = static_cast<int64_t>(group.units.size());
  at::Tensor squared = at::zeros({units, units}, at::kDouble);
  for (size_t i = 0; i < group.operands.size(); ++i) {
    const TieOperand& operand = group.operands[i];
    // The weights make the filter; vectors beside them (bias, norms) are none.
    if (operand.role != SliceRole::kProducer || model_.param(operand.param).raw.dim() < 2) continue;
    const at::Tensor x = rows(group, i), norm = x.square().sum(1);
    squared += (norm.unsqueeze(0) + norm.unsqueeze(1) - x.matmul(x.t()) * 2.0).clamp_min(0.0);
  }
  const at::Tensor sums = squared.sqrt().sum(1);
  out.assign(sums.const_data_ptr<double>(), sums.const_data_ptr<double>() + units);
}

template <class T>
constexpr bool kUsesGradients = std::is_same_v<T, TaylorCriterion> || std::is_same_v<T, HessianCriterion>;

void lamp(std::vector<double>& scores, const DimGroup& group) {
  std::vector<int32_t> order = group.units;
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return scores[static_cast<size_t>(a)] > scores[static_cast<size_t>(b)];
  });
  double above = 0.0;
  for (int32_t u : order) {
    double& s = scores[static_cast<size_t>(u)];
    above += s * s;
    s = above > 0.0 ? s * s / above : 0.0;
  }
}

void to_ranks(std::vector<double>& scores, const DimGroup& group) {
  std::vector<int32_t> order = group.units;
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return scores[static_cast<size_t>(a)] < scores[static_cast<size_t>(b)];
  });
  for (size_t i = 0; i < order.size(); ++i)
    scores[static_cast<size_t>(order[i])] = (static_cast<double>(i) + 0.5) / static_cast<double>(order.size());
}

}  // namespace

std::vector<double> score_units(const CriterionConfig& criterion, const DimGroups& groups,
                                const std::vector<bool>& allowed, Model& model, const GradientPasses& passes) {
  std::vector<std::vector<double>> by_group;
  for (const DimGroup& group : groups.groups) by_group.emplace_back(group.units.size(), 0.0);
  Scorer score(groups, model, passes);
  std::visit(
      [&](const auto& c) {
        constexpr bool kGradients = kUsesGradients<std::decay_t<decltype(c)>>;
        if constexpr (std::is_same_v<std::decay_t<decltype(c)>, NormCriterion>) score.prepare(c, allowed);
        for (int64_t pass = 0; pass < (kGradients ? passes.count : 1); ++pass) {
          if (kGradients && passes.run) passes.run(pass);
          at::NoGradGuard no_grad;
          for (size_t g = 0; g < by_group.size(); ++g)
            if (allowed[g]) score(c, groups.groups[g], by_group[g]);
        }
        if (kGradients)
          for (auto& scores : by_group)
            for (double& s : scores) s = std::abs(s);
      },
      criterion);
  std::vector<double> out(groups.units.size(), 0.0);
  for (size_t g = 0; g < by_group.size(); ++g)
    for (size_t i = 0; i < by_group[g].size(); ++i)
      out[static_cast<size_t>(groups.groups[g].units[i])] = by_group[g][i];
  return out;
}

void normalize_scores(std::vector<double>& scores, const DimGroups& groups, ScoreNormalization normalization,
                      SparsityScope scope) {
  for (const DimGroup& group : groups.groups) {
    if (normalization == ScoreNormalization::kLamp) lamp(scores, group);
    if (normalization == ScoreNormalization::kGroupMean) {
      double mean = 0.0;
      for (int32_t u : group.units) mean += scores[static_cast<size_t>(u)] / static_cast<double>(group.units.size());
      for (int32_t u : group.units)
        if (mean > 0.0) scores[static_cast<size_t>(u)] /= mean;
    }
    if (scope == SparsityScope::kLayer) to_ranks(scores, group);
  }
}

}  // namespace pare
