#pragma once

#include <ATen/core/Tensor.h>

#include "core/model/model.h"
#include "core/train/communicator.h"
#include "core/train/optimizer.h"

namespace pare {

/// What the two step hooks get. The trainer and a user's own loop fill the same struct.
struct StepContext {
  int64_t step = 0;              ///< global step, from 0
  int64_t epoch = 0;
  int64_t steps_per_epoch = 1;
  int64_t total_steps = 1;
  Optimizer* optimizer = nullptr;   ///< learning rate, weight decay and state per parameter
  Communicator* communicator = nullptr;
};

/// What a loss term sees.
struct LossContext {
  const StepContext& step;
  const std::vector<at::Tensor>& inputs;    ///< model inputs of this batch
  const at::Tensor& targets;                ///< labels [N] int64, undefined for loss: match_input
  const std::vector<at::Tensor>& outputs;   ///< model outputs of this batch
  const at::Tensor& task_loss;              ///< scalar, before any modifier
};

/// Something active inside training: ADMM, group sparsity, QAT, gradual masks, a distillation loss.
/// Modifiers of one stage run in recipe order. Decisions are made on rank 0 and broadcast.
class Modifier : public RemapListener {
 public:
  /// Before the first step (also after resume, before load_state).
  virtual void start(Model& model, const StepContext& context) { (void)model; (void)context; }
  /// Adds to or replaces the loss: gets the loss so far, returns the new one. Scalar.
  virtual at::Tensor loss(Model& model, const LossContext& context, at::Tensor loss_so_far) {
    (void)model; (void)context;
    return loss_so_far;
  }
  /// Values whose activations `loss` wants (feature distillation); fetched in the same forward, see LossContext.
  virtual void before_step(Model& model, const StepContext& context) { (void)model; (void)context; }
  virtual void after_step(Model& model, const StepContext& context) { (void)model; (void)context; }
  virtual void end_epoch(Model& model, const StepContext& context) { (void)model; (void)context; }
  /// After the last step: hard masks, shrinking.
  virtual void finish(Model& model, const StepContext& context) { (void)model; (void)context; }
  /// Nothing harder than what the model has seen is still to come (a projection, a denser mask, a removal). Epochs that
  /// end before all modifiers are settled are never the best one, and patience does not run out in them.
  virtual bool settled() const { return true; }
  /// State for exact resume, by name.
  virtual std::map<std::string, at::Tensor> state() const { return {}; }
  virtual void load_state(const std::map<std::string, at::Tensor>& state) { (void)state; }
  /// Short text for the progress line, e.g. "sparsity 0.41".
  virtual std::string status() const { return {}; }
  void remap(Model&, const Remap&) override {}
};

}  // namespace pare
