#include "core/train/clip.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>

#include <algorithm>

namespace pare {

double clip_gradients(const Model& model, double max_norm) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients, norms;
  for (const Param& param : model.params())
    if (param.raw.grad().defined()) gradients.push_back(param.raw.grad());
  for (const auto& [name, tensor] : model.chain_parameters())
    if (tensor.grad().defined()) gradients.push_back(tensor.grad());
  if (gradients.empty()) return 0.0;
  for (const at::Tensor& gradient : gradients) norms.push_back(at::linalg_vector_norm(gradient));
  const double norm = at::linalg_vector_norm(at::stack(norms)).item<double>();
  constexpr double kEpsilon = 1e-6;  // torch's
  const double factor = std::min(1.0, max_norm / (norm + kEpsilon));
  if (factor < 1.0)
    for (at::Tensor& gradient : gradients) gradient.mul_(factor);
  return norm;
}

}  // namespace pare
