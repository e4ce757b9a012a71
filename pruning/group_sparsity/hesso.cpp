#include "pruning/group_sparsity/hesso.h"

#include <tuple>

#include "core/job/job.h"

namespace pare {

Hesso::Hesso(HessoConfig config, std::string name, Job* job)
    : GroupSparsity(std::move(name), config, config.target, job), config_(std::move(config)) {}

void Hesso::check(const HessoConfig& config, Job& job) {
  Removal(*job.model, config).check_reachable(config.target.resolved(&job));
}

void Hesso::begin(const StepContext& context) {
  std::tie(first_, last_) = steps_of(config_, context, config_.periods, holder());
}

int64_t Hesso::period_of(int64_t step) const {
  int64_t period = 0;
  while (step_of(period + 1) <= step) ++period;
  return period;
}

std::vector<int32_t> Hesso::redundant(const StepContext& context, double share) {
  return choose(scores(gradients()), share, context.communicator);
}

std::vector<double> Hesso::scores(const UnitTable::TensorOf& gradients) const {
  return importance(config_.saliency, unit_moments(table(), values(), gradients), removal().groups(),
                    config_.normalization);
}

void Hesso::before_step(Model&, const StepContext& context) {
  if (done() || context.step < first_ || context.step >= last_) return;
  const int64_t period = period_of(context.step);
  if (context.step != step_of(period)) return;
  const double progress = static_cast<double>(period + 1) / static_cast<double>(config_.periods);
  const double share = 1.0 - (1.0 - target().only().second) * progress;
  mark(redundant(context, share), kShrinking);
}

void Hesso::after_step(Model&, const StepContext& context) {
  if (done() || context.step < first_) return;
  const int64_t period = period_of(context.step);
  const int64_t left = step_of(period + 1) - context.step;  // of this period's steps, with this one
  if (left == 1) mark(marked(kShrinking), kZero);
  scale_marked(static_cast<double>(left - 1) / static_cast<double>(left), context.optimizer);
  if (context.step + 1 == last_) remove(marked(kZero));
}

std::vector<int32_t> Hesso::last_choice(const StepContext& context) {
  const at::Tensor sizes = norms();
  const double* data = sizes.const_data_ptr<double>();
  return choose({data, data + sizes.numel()}, target().only().second, context.communicator);
}

}  // namespace pare
