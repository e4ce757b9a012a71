#include "core/train/best_weights.h"

#include <ATen/core/grad_mode.h>

namespace pare {

BestWeights::BestWeights(Model& model) : model_(model) { model_.add_listener(this); }

BestWeights::~BestWeights() { model_.remove_listener(this); }

void BestWeights::keep(double metric, int64_t epoch, bool weights) {
  metric_ = metric;
  epoch_ = epoch;
  if (!weights) return;
  for (const Param& param : model_.params())
    if (param.role != Role::kLiteral) kept_[param.name] = param.raw.detach().clone();
}

bool BestWeights::restore() {
  at::NoGradGuard no_grad;
  if (kept_.empty()) return false;
  for (const Param& param : model_.params())
    if (param.role != Role::kLiteral) at::Tensor(param.raw).copy_(kept_.at(param.name));
  return true;
}

void BestWeights::load_state(const std::map<std::string, at::Tensor>& state, double metric, int64_t epoch) {
  metric_ = metric;
  epoch_ = epoch;
  kept_.clear();
  if (state.empty()) return;
  for (const Param& param : model_.params()) {
    if (param.role == Role::kLiteral) continue;
    const auto found = state.find(param.name);
    PARE_CHECK(found != state.end() && found->second.sizes() == param.raw.sizes(), ModelError,
               "[best weights] expected \"{}\" of shape {}", param.name, param.raw.sizes().vec());
    kept_[param.name] = found->second.clone();
  }
}

void BestWeights::remap(Model&, const Remap&) {
  kept_.clear();
  metric_ = -1.0;
  epoch_ = -1;
}

}  // namespace pare
