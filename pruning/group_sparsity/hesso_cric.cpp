#include "pruning/group_sparsity/hesso_cric.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>

#include <algorithm>

#include "core/job/job.h"
#include "core/train/losses.h"

namespace pare {
namespace {

constexpr double kMovedOut = 1e30;  // ranks behind every unit that was not

void check_samples(const HessoCricConfig& config) {
  const auto& s = config.samples;
  PARE_CHECK(!s.empty() && s.back() < 1.0 && std::adjacent_find(s.begin(), s.end(), std::greater_equal<>()) == s.end(),
             ConfigError, "[prune.hesso_cric] samples: expected ascending shares below 1, got {}", s);
}

}  // namespace

HessoCric::HessoCric(HessoCricConfig config, Job* job)
    : Hesso(config, "prune.hesso_cric", job), config_(std::move(config)) {
  check_samples(config_);
}

void HessoCric::check(const HessoCricConfig& config, Job& job) {
  check_samples(config);
  Hesso::check(config, job);
}

at::Tensor HessoCric::loss(Model& model, const LossContext& context, at::Tensor loss_so_far) {
  inputs_.clear();
  if (!done()) {
    inputs_ = context.inputs;
    targets_ = context.targets;
    output_ = context.outputs.at(0).detach();
  }
  return Hesso::loss(model, context, std::move(loss_so_far));
}

std::map<std::string, at::Tensor> HessoCric::trial_gradients(const std::vector<int32_t>& units,
                                                             const StepContext& context) const {
  Model trial = model().clone();
  trial.train(model().training());
  trial.seed(static_cast<uint64_t>(context.step));
  for (at::Tensor& parameter : trial.parameters()) parameter.mutable_grad() = at::Tensor();
  double left = 1.0;
  for (const double sample : config_.samples) {
    at::Tensor factors = at::full({table().units()}, 1.0, at::kDouble);
    for (int32_t unit : units) factors.mutable_data_ptr<double>()[unit] = (1.0 - sample) / left;
    left = 1.0 - sample;
    table().scale([&](const std::string& name) { return trial.param(name).raw; }, factors);
    const at::Tensor output = trial.forward(inputs_).at(0);
    const at::Tensor loss =
        targets_.defined() ? cross_entropy(output, targets_, 0.0) : (output - output_).square().mean();
    (loss / static_cast<double>(config_.samples.size())).backward();
  }
  std::map<std::string, at::Tensor> out;
  for (const std::string& name : table().params()) out[name] = trial.param(name).raw.grad();
  return out;
}

std::vector<int32_t> HessoCric::redundant(const StepContext& context, double share) {
  std::vector<int32_t> chosen = Hesso::redundant(context, share);
  std::vector<uint8_t> moved_out(marks().size(), 0);
  for (int64_t cycle = 0; cycle < config_.cycles; ++cycle) {
    const auto gradients = trial_gradients(chosen, context);
    const auto gradient = [&](const std::string& name) {
      const at::Tensor& g = gradients.at(name);
      return g.defined() ? g : model().param(name).raw.detach() * 0.0;
    };
    std::vector<double> trial = scores(gradient);
    for (size_t u = 0; u < trial.size(); ++u)
      if (moved_out[u]) trial[u] = kMovedOut;
    const std::vector<int32_t> next = choose(trial, share, context.communicator);
    int64_t violating = 0;
    for (int32_t unit : chosen) {
      if (std::binary_search(next.begin(), next.end(), unit)) continue;
      moved_out[static_cast<size_t>(unit)] = 1;
      ++violating;
    }
    corrected_ += violating;
    chosen = next;
    if (!violating) break;
  }
  return chosen;
}

}  // namespace pare
