#include "distill/kd.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include "core/job/job.h"
#include "distill/losses/kd.h"

namespace pare {
namespace {

std::shared_ptr<Model> find_teacher(const KdConfig& config, Job& job) {
  if (config.teacher == "input") {
    PARE_CHECK(job.input_model != nullptr, ConfigError, "[distill.kd] expected an input model to learn from, got none");
    return job.input_model;
  }
  PARE_CHECK(job.load_model != nullptr, ConfigError, "[distill.kd] this job cannot load teacher \"{}\"", config.teacher);
  return job.load_model(job.resolve_path(config.teacher));
}

}  // namespace

Kd::Kd(KdConfig config, Job& job) : Kd(config, find_teacher(config, job)) {}

Kd::Kd(KdConfig config, std::shared_ptr<Model> teacher) : config_(std::move(config)), teacher_(std::move(teacher)) {
  teacher_->train(false);
}

at::Tensor Kd::loss(Model&, const LossContext& context, at::Tensor loss_so_far) {
  std::vector<at::Tensor> answers;
  {
    // Not InferenceMode: its tensors may not take part in the student's graph.
    at::NoGradGuard no_grad;
    answers = teacher_->forward(context.inputs);
  }
  const at::Tensor soft = kd_loss(context.outputs.at(0), answers.at(0), config_.temperature);
  return loss_so_far * (1.0 - config_.alpha) + soft * config_.alpha;
}

}  // namespace pare
