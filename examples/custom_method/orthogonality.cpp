#include "orthogonality.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/eye.h>

namespace example {

void Orthogonality::start(pare::Model& model, const pare::StepContext&) {
  const auto layers = pare::selectable_nodes(model.graph(), {"Conv", "Gemm"});
  weights_.clear();
  for (const size_t i : pare::select_layers(layers, config_.targets, {})) weights_.push_back(layers[i].param);
}

at::Tensor Orthogonality::loss(pare::Model& model, const pare::LossContext&, at::Tensor loss_so_far) {
  at::Tensor penalty;
  for (const std::string& name : weights_) {
    const at::Tensor w = model.effective(name).flatten(1);
    const at::Tensor apart = w.matmul(w.t()) - at::eye(w.size(0), w.options());
    const at::Tensor term = apart.square().sum() / w.size(0);
    penalty = penalty.defined() ? penalty + term : term;
  }
  last_ = penalty.item<double>();
  return loss_so_far + config_.strength * penalty;
}

std::string Orthogonality::status() const { return "penalty " + std::to_string(last_); }

}  // namespace example
