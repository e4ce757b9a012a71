#include "distill/losses/kd.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_softmax.h>

#include "core/base/error.h"

namespace pare {

at::Tensor kd_loss(const at::Tensor& student, const at::Tensor& teacher, double temperature) {
  PARE_CHECK(student.sizes() == teacher.sizes() && student.dim() >= 2, ModelError,
             "[distill.kd] expected teacher logits of shape {}, got {}. Teacher and student must have the same classes.",
             student.sizes().vec(), teacher.sizes().vec());
  const at::Tensor log_p = at::log_softmax(teacher.detach() / temperature, -1);
  const at::Tensor log_q = at::log_softmax(student / temperature, -1);
  const at::Tensor divergence = (log_p.exp() * (log_p - log_q)).sum(-1).mean();
  return divergence * (temperature * temperature);
}

}  // namespace pare
