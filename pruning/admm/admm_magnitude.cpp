#include "pruning/admm/admm_magnitude.h"

#include <ATen/TensorOperators.h>

#include "core/job/job.h"

namespace pare {

void AdmmMagnitude::check(const AdmmMagnitudeConfig& config, Job& job) { selected_weights(job.model->graph(), config); }

std::vector<std::string> AdmmMagnitude::prepare(Model& model) { return weights_ = selected_weights(model.graph(), config_); }

std::vector<ConstraintSet> AdmmMagnitude::sets() {
  return {{enum_name(config_.structure), [this](const std::vector<at::Tensor>& weights) {
             std::vector<at::Tensor> magnitudes, out;
             for (const at::Tensor& w : weights) magnitudes.push_back(w.abs());
             const auto masks = magnitude_masks(config_, magnitudes, config_.sparsity);
             for (size_t i = 0; i < weights.size(); ++i) out.push_back(weights[i] * masks[i]);
             return out;
           }}};
}

Json AdmmMagnitude::project(Model& model) {
  apply_magnitude_masks(model, config_, weights_, config_.sparsity);
  return {{"weights", weights_.size()}, {"sparsity", sparsity_of(model, weights_)}};
}

}  // namespace pare
