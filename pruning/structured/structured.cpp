#include "pruning/structured/structured.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/scalar_tensor.h>

#include <cmath>

#include "core/job/job.h"
#include "pruning/structured/gradients.h"
#include "pruning/structured/json_state.h"

namespace pare {
namespace {

struct Pruned {
  StructuredReport report;
  double remaining = 1.0;              // by the target's measure
  std::map<std::string, int> choices;  // of the analysis
};

Pruned prune(Model& model, const StructuredConfig& config, const std::vector<at::Tensor>& probe,
             const GradientPasses& passes, Communicator* communicator, const TiePolicy& policy = {}) {
  Removal removal(model, config, config.inexact, policy);
  removal.measure_by(config.target);
  std::vector<double> scores = score_units(config.criterion, removal.groups(), removal.limits().allowed, model, passes);
  normalize_scores(scores, removal.groups(), config.normalization, config.scope);
  const auto [what, share] = config.target.only();
  std::vector<int32_t> units = removal.select(scores, what, share);
  agree(units, communicator);
  const double remaining = removal.remaining(what, units);
  return {remove_from(model, removal, units, probe), remaining, removal.groups().choices};
}

void set_share(StructuredBudget& target, double share) {
  for (std::optional<double>* part : {&target.macs, &target.params, &target.channels, &target.latency})
    if (*part) *part = share;
}

}  // namespace

StructuredReport prune_structured(Model& model, const StructuredConfig& config, const std::vector<at::Tensor>& probe) {
  return prune(model, config, probe, {}, nullptr).report;
}

void StructuredStage::check(Job& job) {
  config_.target.only();
  if (job.model) Removal(*job.model, config_, config_.inexact).check_reachable(config_.target.resolved(&job));
}

std::vector<std::string> StructuredStage::plan(Job& job) {
  const auto [what, share] = config_.target.only();
  const DimGroups groups = analyse(job.model->graph(), job.model->constants(), job.model->ops());
  return {fmt("removes channels until {} of the {} remain: {} units in {} groups, {} fixed dims", share, what,
              groups.units.size(), groups.groups.size(), groups.frozen.size())};
}

void StructuredStage::run(Job& job) {
  const GradientPasses passes = gradient_passes(job, config_.criterion);
  StructuredConfig config = config_;
  config.target = config.target.resolved(&job);
  const StructuredReport report = prune(*job.model, config, probe_inputs(job), passes, job.communicator.get()).report;
  if (passes.run) clear_gradients(*job.model);
  job.results["prune.structured"] = to_json(report);
  job.sink.line("prune.structured: " + describe(report));
}

void StructuredModifier::check(const StructuredModifierConfig& config, Job& job) {
  Removal(*job.model, config, config.inexact).check_reachable(config.target.resolved(&job));
}

int64_t StructuredModifier::due(const StepContext& context, int64_t round) const {
  const double epoch = config_.at_epoch + static_cast<double>(round) * config_.every;
  return std::llround(epoch * static_cast<double>(context.steps_per_epoch));
}

void StructuredModifier::start(Model&, const StepContext& context) {
  PARE_CHECK(
      due(context, config_.rounds - 1) < context.total_steps, ConfigError,
      "[prune.structured] expected the last of {} rounds before the stage ends after {} steps, it is due at step {}. "
      "Train longer or prune earlier.",
      config_.rounds, context.total_steps, due(context, config_.rounds - 1));
}

at::Tensor StructuredModifier::loss(Model&, const LossContext& context, at::Tensor loss_so_far) {
  if (round_ < config_.rounds) probe_ = context.inputs;
  return loss_so_far;
}

void StructuredModifier::after_step(Model& model, const StepContext& context) {
  if (round_ == config_.rounds || context.step < due(context, round_)) return;
  prune_round(model, context);
}

void StructuredModifier::finish(Model& model, const StepContext& context) {
  if (round_ == config_.rounds) return;
  round_ = config_.rounds - 1;
  prune_round(model, context);
}

// Shares refer to the model as the stage got it: of what is left, this round keeps the quotient.
void StructuredModifier::prune_round(Model& model, const StepContext& context) {
  ++round_;
  const double part = static_cast<double>(round_) / static_cast<double>(config_.rounds);
  const double wanted = 1.0 - (1.0 - config_.target.only().second) * part;
  if (wanted < remaining_) {
    StructuredConfig now = config_;
    set_share(now.target, wanted / remaining_);
    const bool training = model.training();
    model.train(false);
    Pruned pruned = prune(model, now, probe_, {}, context.communicator, {.choices = choices_});
    model.train(training);
    remaining_ *= pruned.remaining;
    choices_ = std::move(pruned.choices);
  }
  probe_.clear();
}

std::map<std::string, at::Tensor> StructuredModifier::state() const {
  return {{"round", at::scalar_tensor(round_, at::kLong)},
          {"remaining", at::scalar_tensor(remaining_, at::kDouble)},
          {"choices", json_bytes(Json(choices_))}};
}

void StructuredModifier::load_state(const std::map<std::string, at::Tensor>& state) {
  round_ = state.at("round").item<int64_t>();
  remaining_ = state.at("remaining").item<double>();
  choices_.clear();
  const Json choices = json_from_bytes(state.at("choices"), holder());
  for (const auto& [key, place] : choices.items()) {
    PARE_CHECK(place.is_number_integer(), ModelError, "[{}] expected a number for \"{}\"", holder(), key);
    choices_[key] = place.get<int>();
  }
}

}  // namespace pare
