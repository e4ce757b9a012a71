#pragma once

#include <ATen/core/Tensor.h>

namespace pare {

/// Logit distillation (Hinton et al., 1503.02531): T^2 * KL(softmax(teacher / T) || softmax(student / T)), averaged over
/// the batch. `student`, `teacher` [N, classes]; gradients flow to the student only. `temperature` > 0. Scalar.
/// Throws ModelError when the shapes differ.
at::Tensor kd_loss(const at::Tensor& student, const at::Tensor& teacher, double temperature);

}  // namespace pare
