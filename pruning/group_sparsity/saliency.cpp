#include "pruning/group_sparsity/saliency.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

namespace pare {
namespace {

constexpr double kTiny = 1e-12;

at::Tensor normalized(const at::Tensor& measure) {
  return measure / measure.norm().clamp_min(kTiny);
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

std::vector<double> importance(const SaliencyMix& mix, const UnitMoments& m) {
  const at::Tensor norm = m.xx.sqrt(), owns = m.sizes.gt(0).to(at::kDouble);
  // Where the descent direction -g points to the origin (x.g > 0), removing the unit goes along with it.
  const at::Tensor cosine = (1.0 - m.xg / (norm * m.gg.sqrt()).clamp_min(kTiny)) * owns;
  at::Tensor out = at::zeros_like(norm);
  out += normalized(norm) * mix.magnitude;
  out += normalized(norm / m.sizes.clamp_min(1.0)) * mix.average;
  out += normalized(cosine) * mix.cosine;
  out += normalized(m.xg.abs()) * mix.taylor1;
  out += normalized(m.xg.square() * 0.5) * mix.taylor2;
  const double* data = out.const_data_ptr<double>();
  return {data, data + out.numel()};
}

}  // namespace pare
