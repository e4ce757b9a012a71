#include "pruning/admm/admm_pruning.h"

#include <ATen/ops/scalar_tensor.h>

#include <algorithm>
#include <cmath>

#include "core/job/job.h"
#include "pruning/structured/json_state.h"

namespace pare {
namespace {

double shown(double value) { return std::round(value * 1e4) / 1e4; }

Json residuals_json(const std::vector<AdmmResiduals>& history) {
  Json out = Json::array();
  for (const AdmmResiduals& r : history) out.push_back({{"rho", r.rho}, {"primal", r.primal}, {"dual", r.dual}});
  return out;
}

}  // namespace

AdmmPruning::AdmmPruning(std::string name, AdmmConfig config, Job* job)
    : name_(std::move(name)), config_(config), job_(job) {}

void AdmmPruning::set_up(std::vector<std::string> weights) { admm_.emplace(config_, std::move(weights), sets()); }

void AdmmPruning::start(Model& model, const StepContext& context) {
  model_ = &model;
  const double per_epoch = static_cast<double>(context.steps_per_epoch);
  last_ = config_.epochs < 0 ? context.total_steps / 2 : std::llround(config_.epochs * per_epoch);
  PARE_CHECK(last_ <= context.total_steps, ConfigError, "[{}] expected admm.epochs within the stage's {} steps, got {}. Train "
             "longer.", name_, context.total_steps, config_.epochs);
  updates_ = std::clamp<int64_t>(config_.updates, 1, std::max<int64_t>(last_, 1));
  if (context.step > 0) return;  // load_state knows what was prepared
  std::vector<std::string> weights = prepare(model);
  if (last_ == 0) return project_now(model);
  set_up(std::move(weights));
  admm_->start(model);
}

void AdmmPruning::before_step(Model& model, const StepContext&) {
  if (!done_) admm_->add_gradients(model);
}

void AdmmPruning::after_step(Model& model, const StepContext& context) {
  if (done_) return;
  const auto updated = static_cast<int64_t>(admm_->history().size());
  if (context.step + 1 < due(updated + 1)) return;
  admm_->update(model);
  const AdmmResiduals& now = admm_->history().back();
  if (job_)
    job_->sink.line(fmt("{}: admm update {} of {}, rho {}, primal residual {}, dual {}", name_, updated + 1, updates_,
                        shown(now.rho), shown(now.primal), shown(now.dual)));
  if (context.step + 1 >= last_ || admm_->stalled()) project_now(model);
}

void AdmmPruning::finish(Model& model, const StepContext&) {
  if (!done_) project_now(model);
  if (!job_) return;
  job_->results[name_] = *report_;
}

void AdmmPruning::project_now(Model& model) {
  Json report = project(model);
  if (admm_) report["admm"] = residuals_json(admm_->history());
  report_ = std::move(report);
  admm_.reset();
  done_ = true;
}

std::map<std::string, at::Tensor> AdmmPruning::state() const {
  if (done_) return {{"report", json_bytes(*report_)}};
  std::map<std::string, at::Tensor> out = prepared();
  if (admm_)
    for (auto& [name, tensor] : admm_->state()) out["admm/" + name] = tensor;
  return out;
}

void AdmmPruning::load_state(const std::map<std::string, at::Tensor>& state) {
  if (const auto report = state.find("report"); report != state.end()) {
    done_ = true;
    admm_.reset();
    report_ = json_from_bytes(report->second, name_);
    return;
  }
  std::map<std::string, at::Tensor> found, inner;
  for (const auto& [name, tensor] : state) {
    if (name.starts_with("admm/")) inner[name.substr(5)] = tensor;
    else found[name] = tensor;
  }
  set_up(prepare_again(*model_, found));
  admm_->load_state(inner);
}

std::string AdmmPruning::status() const {
  if (done_ || !admm_ || admm_->history().empty()) return {};
  return fmt("admm rho {}, residual {}", shown(admm_->rho()), shown(admm_->history().back().primal));
}

void AdmmPruning::check_remap(const Remap&) const {
  PARE_CHECK(done_ || !admm_, ModelError, "[{}] the model's structure changes while its weights are being pulled to their "
             "sets. Let one method end before the next one starts.", name_);
}

}  // namespace pare
