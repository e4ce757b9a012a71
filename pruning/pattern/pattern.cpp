#include "pruning/pattern/pattern.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/matmul.h>

#include <cmath>

#include "core/job/job.h"

namespace pare {
namespace {

Encoding pattern_layout(const PatternTarget& target, const PatternLayer& layer, const std::vector<int64_t>& patterns) {
  Encoding out;
  out.layout = layer.patterns ? Layout::kPattern : Layout::kBlock;
  out.block = {target.pattern_group.filters, target.pattern_group.channels};
  if (layer.patterns) out.patterns = patterns;
  return out;
}

// Kernels [count, 9] of a mask that keep anything, by pattern.
void count_uses(const at::Tensor& mask, PatternReport& report) {
  const at::Tensor rows = pattern_rows(report.patterns);
  const at::Tensor kernels = mask.flatten(2).flatten(0, 1).to(at::kDouble);
  const at::Tensor same = at::matmul(kernels, rows.t()).eq(kernels.sum(1, /*keepdim=*/true)).logical_and(
      rows.sum(1).eq(kernels.sum(1, /*keepdim=*/true)));
  const at::Tensor counts = same.sum(0);
  for (size_t k = 0; k < report.uses.size(); ++k) report.uses[k] += counts.const_data_ptr<int64_t>()[k];
  report.kernels += kernels.size(0);
  report.kernels_kept += kernels.sum(1).count_nonzero().item<int64_t>();
}

double percent_of(double part, double whole) { return whole == 0 ? 100.0 : std::round(1000.0 * part / whole) / 10.0; }

}  // namespace

Json to_json(const PatternReport& report) {
  return {{"layers", report.layers},       {"kernels", report.kernels},
          {"kernels_kept", report.kernels_kept}, {"elements", report.elements},
          {"elements_kept", report.elements_kept}, {"energy_kept", report.energy_kept},
          {"patterns", report.patterns},   {"uses", report.uses}};
}

std::string describe(const PatternReport& report) {
  return fmt("{} layers keep {} % of their weights and {} % of their energy: {} of {} 3x3 kernels, in {} patterns",
             report.layers, percent_of(static_cast<double>(report.elements_kept), static_cast<double>(report.elements)),
             percent_of(report.energy_kept, 1.0), report.kernels_kept, report.kernels, report.patterns.size());
}

std::vector<at::Tensor> weights_of(Model& model, const std::vector<PatternLayer>& layers) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> out;
  for (const PatternLayer& layer : layers) {
    const Param& param = model.param(layer.weight);
    out.push_back(param.raw.detach());
    for (const auto& link : param.chain)
      if (link->order() == Parametrization::Order::kMask) out.back() = link->apply(out.back());
  }
  return out;
}

PatternReport apply_pattern_masks(Model& model, const PatternTarget& target, const PatternProjection& projection) {
  at::NoGradGuard no_grad;
  const auto& layers = projection.layers();
  const std::vector<at::Tensor> weights = weights_of(model, layers);
  const std::vector<at::Tensor> masks = projection.masks(weights);
  PatternReport report{.layers = static_cast<int64_t>(layers.size()), .patterns = projection.patterns()};
  report.uses.assign(report.patterns.size(), 0);
  double before = 0.0, after = 0.0;
  for (size_t i = 0; i < layers.size(); ++i) {
    at::Tensor mask = masks[i];
    if (layers[i].patterns) count_uses(mask, report);
    for (const auto& link : model.param(layers[i].weight).chain)
      if (link->order() == Parametrization::Order::kMask) mask = link->apply(mask);
    report.elements += mask.numel();
    report.elements_kept += mask.count_nonzero().item<int64_t>();
    const at::Tensor energy = weights[i].to(at::kDouble).square();
    before += energy.sum().item<double>();
    after += (energy * mask).sum().item<double>();
    model.remove_link(layers[i].weight, "mask");
    model.add_link(layers[i].weight, std::make_shared<Mask>(mask, pattern_layout(target, layers[i], projection.patterns())));
  }
  report.energy_kept = before > 0 ? after / before : 1.0;
  return report;
}

void PatternStage::check(Job& job) {
  if (job.model) pattern_layers(*job.model, config_);
}

std::vector<std::string> PatternStage::plan(Job& job) {
  const auto layers = pattern_layers(*job.model, config_);
  return {fmt("keeps 4 of 9 elements of the 3x3 kernels of {} layers, drops {} of the kernels ({} scope, groups of {}x{})",
              layers.size(), config_.connectivity_sparsity, enum_name(config_.scope), config_.pattern_group.filters,
              config_.pattern_group.channels)};
}

void PatternStage::run(Job& job) {
  auto layers = pattern_layers(*job.model, config_);
  const auto weights = weights_of(*job.model, layers);
  const PatternProjection projection(config_, std::move(layers), weights);
  const PatternReport report = apply_pattern_masks(*job.model, config_, projection);
  job.results["prune.pattern"] = to_json(report);
  job.sink.line("prune.pattern: " + describe(report));
}

}  // namespace pare
