#include "pruning/group_sparsity/group_sparsity.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/job/job.h"
#include "pruning/structured/json_state.h"

namespace pare {

GroupSparsity::GroupSparsity(std::string name, RemovalLimits limits, StructuredBudget target, Job* job)
    : name_(std::move(name)), limits_(std::move(limits)), target_(target.resolved(job)), job_(job) {}

void GroupSparsity::analyse_model() {
  removal_ = std::make_unique<Removal>(*model_, limits_);
  if (target_.given()) removal_->measure_by(target_);
  table_ = std::make_unique<UnitTable>(removal_->groups(), removal_->limits().allowed, *model_);
  marks_.assign(removal_->groups().units.size(), kTrained);
}

void GroupSparsity::start(Model& model, const StepContext& context) {
  model_ = &model;
  begin(context);
  if (context.step > 0) return;  // load_state knows whether the model is the small one by now
  analyse_model();
  if (target_.given()) removal_->check_reachable(target_);
}

at::Tensor GroupSparsity::loss(Model&, const LossContext& context, at::Tensor loss_so_far) {
  if (!done_) probe_ = context.inputs;
  return loss_so_far;
}

void GroupSparsity::finish(Model&, const StepContext& context) {
  if (!done_) {
    std::vector<int32_t> units = last_choice(context);
    mark(units, kZero);
    scale_marked(1.0, context.optimizer);
    remove(units);
  }
  if (!job_) return;
  job_->results[name_] = to_json(*report_);
  job_->sink.line(name_ + ": " +
                  (report_->units_removed ? describe(*report_) : "no unit became zero, nothing was removed"));
}

void GroupSparsity::check_remap(const Remap&) const {
  PARE_CHECK(done_ || removing_ || !removal_, ModelError,
             "[{}] the model's structure changes while its units are being trained to zero. Let one method end before "
             "the next one starts.",
             name_);
}

void GroupSparsity::mark(const std::vector<int32_t>& units, State state) {
  for (int32_t unit : units) {
    int8_t& mark = marks_[static_cast<size_t>(unit)];
    mark = std::max<int8_t>(mark, state);
  }
}

std::vector<int32_t> GroupSparsity::marked(State state) const {
  std::vector<int32_t> out;
  for (size_t u = 0; u < marks_.size(); ++u)
    if (marks_[u] == state) out.push_back(static_cast<int32_t>(u));
  return out;
}

std::vector<int32_t> GroupSparsity::choose(const std::vector<double>& scores, double share,
                                           Communicator* communicator) const {
  std::vector<double> order = scores;
  for (size_t u = 0; u < order.size(); ++u)
    if (marks_[u] != kTrained) order[u] = -static_cast<double>(marks_[u]);
  std::vector<int32_t> out = removal_->select(order, target_.only().first, share);
  agree(out, communicator);
  return out;
}

UnitTable::TensorOf GroupSparsity::values() const {
  return [this](const std::string& name) { return model_->param(name).raw; };
}

UnitTable::TensorOf GroupSparsity::gradients() const {
  return [this](const std::string& name) {
    const at::Tensor& raw = model_->param(name).raw;
    return raw.grad().defined() ? raw.grad() : at::zeros_like(raw);
  };
}

at::Tensor GroupSparsity::norms() const {
  return table_->sums([&](const std::string& name) { return model_->param(name).raw.detach().square(); }).sqrt();
}

void GroupSparsity::scale_marked(double shrinking, Optimizer* optimizer) {
  at::Tensor weights = at::ones({table_->units()}), moments = at::ones({table_->units()});
  bool any_zero = false, any = false;
  for (size_t u = 0; u < marks_.size(); ++u) {
    if (marks_[u] == kTrained) continue;
    const double factor = marks_[u] == kZero ? 0.0 : shrinking;
    weights.mutable_data_ptr<float>()[u] = static_cast<float>(factor);
    any = any || factor != 1.0;
    if (factor != 0.0) continue;
    moments.mutable_data_ptr<float>()[u] = 0.0f;
    any_zero = true;
  }
  if (any) table_->scale(values(), weights);
  if (!any_zero || !optimizer) return;
  std::map<std::string, std::map<std::string, at::Tensor>> states;
  std::vector<std::string> keys;
  for (const std::string& param : table_->params()) {
    states[param] = optimizer->state_of(param);
    for (const auto& [key, tensor] : states[param])
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  }
  for (const std::string& key : keys)
    table_->scale(
        [&](const std::string& param) {
          const auto found = states[param].find(key);
          return found == states[param].end() ? at::Tensor() : found->second;
        },
        moments);
}

void GroupSparsity::remove(const std::vector<int32_t>& units) {
  const at::Tensor left = norms();
  for (int32_t unit : units)
    PARE_CHECK(left.const_data_ptr<double>()[unit] == 0.0, InternalError,
               "[{}] expected unit {} to be zero, its norm is {}", name_, unit, left.const_data_ptr<double>()[unit]);
  report_ = StructuredReport{};
  if (!units.empty()) {
    const bool training = model_->training();
    model_->train(false);
    removing_ = true;
    report_ = remove_from(*model_, *removal_, units, probe_);
    removing_ = false;
    model_->train(training);
  }
  done_ = true;
  probe_.clear();
  marks_.clear();
  table_.reset();
  removal_.reset();
}

std::map<std::string, at::Tensor> GroupSparsity::state() const {
  std::map<std::string, at::Tensor> out = {{"done", at::scalar_tensor(done_, at::kBool)}};
  if (!done_) {
    out["marks"] = at::empty({static_cast<int64_t>(marks_.size())}, at::kChar);
    std::memcpy(out["marks"].mutable_data_ptr<int8_t>(), marks_.data(), marks_.size());
  } else if (report_) {
    out["report"] = json_bytes(to_json(*report_));
  }
  return out;
}

void GroupSparsity::load_state(const std::map<std::string, at::Tensor>& state) {
  done_ = state.at("done").item<bool>();
  if (done_) {
    report_ = structured_report_from(json_from_bytes(state.at("report"), name_));
    return;
  }
  analyse_model();
  const at::Tensor& marks = state.at("marks");
  PARE_CHECK(marks.numel() == static_cast<int64_t>(marks_.size()), ModelError,
             "[{}] expected the state of {} units, got {}", name_, marks_.size(), marks.numel());
  std::memcpy(marks_.data(), marks.const_data_ptr<int8_t>(), marks_.size());
}

std::string GroupSparsity::status() const {
  if (done_) return {};
  const auto zero = std::count(marks_.begin(), marks_.end(), kZero);
  const auto shrinking = std::count(marks_.begin(), marks_.end(), kShrinking);
  return fmt("{} of {} units zero, {} shrinking", zero, removal_ ? removal_->allowed_units() : 0, shrinking);
}

std::pair<int64_t, int64_t> steps_of(const SparsitySpan& span, const StepContext& context, int64_t least,
                                     const std::string& name) {
  const auto per = static_cast<double>(context.steps_per_epoch);
  const auto first = static_cast<int64_t>(std::llround(span.start_epoch * per));
  const int64_t last = span.end_epoch < 0 ? std::max(context.total_steps / 2, first + least)
                                          : static_cast<int64_t>(std::llround(span.end_epoch * per));
  PARE_CHECK(
      first >= 0 && last - first >= least && last <= context.total_steps, ConfigError,
      "[{}] expected at least {} steps between start_epoch {} and end_epoch {}, got {} of {} steps in the stage. Train "
      "longer or move the span.",
      name, least, span.start_epoch, span.end_epoch, last - first, context.total_steps);
  return {first, last};
}

}  // namespace pare
