#pragma once

#include <memory>
#include <string>

#include "core/base/config.h"
#include "core/train/modifier.h"

namespace pare {

class Job;

struct KdConfig {
  std::string teacher = "input";   ///< "input" or a model file
  double temperature = 4.0;
  double alpha = 0.9;
  template <class V>
  void fields(V& v) {
    v("teacher", teacher, "\"input\" (the model the job started from) or a .pare, .onnx or checkpoint file");
    v("temperature", temperature, greater_than(0), "softens both distributions");
    v("alpha", alpha, between(0, 1), "weight of the teacher's loss; the task loss gets 1 - alpha");
  }
};

/// Logit distillation inside training: loss = (1 - alpha) * task + alpha * T^2 * KL(teacher || student), see kd_loss.
class Kd final : public Modifier {
 public:
  Kd(KdConfig config, Job& job);
  /// For a program's own loop; the teacher is put in eval mode and never trained.
  Kd(KdConfig config, std::shared_ptr<Model> teacher);
  std::string holder() const override { return "distill.kd"; }
  at::Tensor loss(Model& model, const LossContext& context, at::Tensor loss_so_far) override;

 private:
  KdConfig config_;
  std::shared_ptr<Model> teacher_;
};

}  // namespace pare
