#include "pruning/structured/structured.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/scalar_tensor.h>

#include <cmath>

#include "core/job/job.h"
#include "pruning/structured/gradients.h"

namespace pare {
namespace {

StructuredReport prune(Model& model, const StructuredConfig& config, const std::vector<at::Tensor>& probe,
                       const GradientPasses& passes, Communicator* communicator) {
  const Removal removal(model, config, config.inexact);
  std::vector<double> scores = score_units(config.criterion, removal.groups(), removal.limits().allowed, model, passes);
  normalize_scores(scores, removal.groups(), config.normalization, config.scope);
  const auto [what, share] = config.target.only();
  std::vector<int32_t> units = removal.select(scores, what, share);
  agree(units, communicator);
  return remove_from(model, removal, units, probe);
}

}  // namespace

StructuredReport prune_structured(Model& model, const StructuredConfig& config, const std::vector<at::Tensor>& probe) {
  return prune(model, config, probe, {}, nullptr);
}

void StructuredStage::check(Job& job) {
  config_.target.only();
  if (job.model) Removal(*job.model, config_, config_.inexact).check_reachable(config_.target);
}

std::vector<std::string> StructuredStage::plan(Job& job) {
  const auto [what, share] = config_.target.only();
  const DimGroups groups = analyse(job.model->graph(), job.model->constants(), job.model->ops());
  return {fmt("removes channels until {} of the {} remain: {} units in {} groups, {} fixed dims", share, what,
              groups.units.size(), groups.groups.size(), groups.frozen.size())};
}

void StructuredStage::run(Job& job) {
  const GradientPasses passes = gradient_passes(job, config_.criterion);
  const StructuredReport report = prune(*job.model, config_, probe_inputs(job), passes, job.communicator.get());
  if (passes.run) clear_gradients(*job.model);
  job.results["prune.structured"] = to_json(report);
  job.sink.line("prune.structured: " + describe(report));
}

void StructuredModifier::check(const StructuredModifierConfig& config, Job& job) {
  Removal(*job.model, config, config.inexact).check_reachable(config.target);
}

at::Tensor StructuredModifier::loss(Model&, const LossContext& context, at::Tensor loss_so_far) {
  if (!done_) probe_ = context.inputs;
  return loss_so_far;
}

void StructuredModifier::after_step(Model& model, const StepContext& context) {
  const auto due = std::llround(config_.at_epoch * static_cast<double>(context.steps_per_epoch));
  if (done_ || context.step < due) return;
  const bool training = model.training();
  model.train(false);
  prune(model, config_, probe_, {}, context.communicator);
  model.train(training);
  done_ = true;
  probe_.clear();
}

std::map<std::string, at::Tensor> StructuredModifier::state() const {
  return {{"done", at::scalar_tensor(done_, at::kBool)}};
}

void StructuredModifier::load_state(const std::map<std::string, at::Tensor>& state) {
  done_ = state.at("done").item<bool>();
}

}  // namespace pare
