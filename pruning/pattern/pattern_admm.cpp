#include "pruning/pattern/pattern_admm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "core/job/job.h"

namespace pare {
namespace {

std::vector<at::Tensor> masked(const std::vector<at::Tensor>& weights, const std::vector<at::Tensor>& masks) {
  std::vector<at::Tensor> out;
  for (size_t i = 0; i < weights.size(); ++i) out.push_back(weights[i] * masks[i]);
  return out;
}

}  // namespace

void PatternPruning::check(const PatternModifierConfig& config, Job& job) { pattern_layers(*job.model, config); }

std::vector<std::string> PatternPruning::names() const {
  std::vector<std::string> out;
  for (const PatternLayer& layer : projection_->layers()) out.push_back(layer.weight);
  return out;
}

std::vector<std::string> PatternPruning::prepare(Model& model) {
  auto layers = pattern_layers(model, config_);
  const auto weights = weights_of(model, layers);
  projection_.emplace(config_, std::move(layers), weights);
  return names();
}

std::vector<ConstraintSet> PatternPruning::sets() {
  std::vector<ConstraintSet> out = {
      {"patterns", [this](const auto& weights) { return masked(weights, projection_->pattern_masks(weights)); }}};
  if (config_.connectivity_sparsity > 0 || config_.pointwise_sparsity > 0)
    out.push_back(
        {"connectivity", [this](const auto& weights) { return masked(weights, projection_->connectivity_masks(weights)); }});
  return out;
}

Json PatternPruning::project(Model& model) {
  const PatternReport report = apply_pattern_masks(model, config_, *projection_);
  if (job_) job_->sink.line("prune.pattern: " + describe(report));
  return to_json(report);
}

std::map<std::string, at::Tensor> PatternPruning::prepared() const {
  const std::vector<int64_t>& patterns = projection_->patterns();
  at::Tensor out = at::empty({static_cast<int64_t>(patterns.size())}, at::kLong);
  std::copy(patterns.begin(), patterns.end(), out.mutable_data_ptr<int64_t>());
  return {{"patterns", out}};
}

std::vector<std::string> PatternPruning::prepare_again(Model& model, const std::map<std::string, at::Tensor>& saved) {
  const auto found = saved.find("patterns");
  PARE_CHECK(found != saved.end() && found->second.scalar_type() == at::kLong, ModelError,
             "[prune.pattern] expected the pattern set in the checkpoint");
  const auto* first = found->second.const_data_ptr<int64_t>();
  projection_.emplace(config_, pattern_layers(model, config_), std::vector<int64_t>(first, first + found->second.numel()));
  return names();
}

}  // namespace pare
