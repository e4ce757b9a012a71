#include "pruning/group_sparsity/saliency.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

namespace pare {
namespace {

constexpr double kTiny = 1e-12;

std::vector<double> comparable(const at::Tensor& measure, const DimGroups& groups, ScoreNormalization normalization) {
  const at::Tensor scaled =
      normalization == ScoreNormalization::kNone ? measure / measure.norm().clamp_min(kTiny) : measure;
  const double* data = scaled.const_data_ptr<double>();
  std::vector<double> out(data, data + scaled.numel());
  normalize_scores(out, groups, normalization, SparsityScope::kGlobal);
  return out;
}

}  // namespace

UnitMoments unit_moments(const UnitTable& table, const UnitTable::TensorOf& x, const UnitTable::TensorOf& g) {
  at::NoGradGuard no_grad;
  UnitMoments out;
  out.xx = table.sums([&](const std::string& name) { return x(name).square(); });
  out.gg = table.sums([&](const std::string& name) { return g(name).square(); });
  out.xg = table.sums([&](const std::string& name) { return x(name) * g(name); });
  out.sizes = table.sizes();
  return out;
}

std::vector<double> importance(const SaliencyMix& mix, const UnitMoments& m, const DimGroups& groups,
                               ScoreNormalization normalization) {
  const at::Tensor norm = m.xx.sqrt(), owns = m.sizes.gt(0).to(at::kDouble);
  // Where the descent direction -g points to the origin (x.g > 0), removing the unit goes along with it.
  const at::Tensor cosine = (1.0 - m.xg / (norm * m.gg.sqrt()).clamp_min(kTiny)) * owns;
  std::vector<double> out(static_cast<size_t>(norm.numel()), 0.0);
  const auto add = [&](const at::Tensor& measure, double weight) {
    if (weight == 0.0) return;
    const std::vector<double> part = comparable(measure, groups, normalization);
    for (size_t u = 0; u < out.size(); ++u) out[u] += weight * part[u];
  };
  add(norm, mix.magnitude);
  add(norm / m.sizes.clamp_min(1.0), mix.average);
  add(cosine, mix.cosine);
  add(m.xg.abs(), mix.taylor1);
  add(m.xg.square() * 0.5, mix.taylor2);
  return out;
}

}  // namespace pare
