#include "core/train/admm.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

namespace pare {
namespace {

double squared_norm(const at::Tensor& x) { return x.to(at::kDouble).square().sum().item<double>(); }

std::string slot(size_t set, const char* kind, const std::string& weight) { return fmt("{}/{}/{}", set, kind, weight); }

const at::Tensor& saved(const std::map<std::string, at::Tensor>& state, const std::string& name) {
  const auto found = state.find(name);
  PARE_CHECK(found != state.end(), ModelError, "[admm] expected a state tensor \"{}\", got none", name);
  return found->second;
}

}  // namespace

Admm::Admm(AdmmConfig config, std::vector<std::string> weights, std::vector<ConstraintSet> sets)
    : config_(config), weights_(std::move(weights)), sets_(std::move(sets)), pairs_(sets_.size()), rho_(config.rho) {}

std::vector<at::Tensor> Admm::values(Model& model) const {
  std::vector<at::Tensor> out;
  for (const std::string& name : weights_) out.push_back(model.param(name).raw.detach());
  return out;
}

void Admm::start(Model& model) {
  at::NoGradGuard no_grad;
  const std::vector<at::Tensor> w = values(model);
  for (size_t s = 0; s < sets_.size(); ++s) {
    pairs_[s].z = sets_[s].project(w);
    pairs_[s].u.clear();
    for (const at::Tensor& one : w) pairs_[s].u.push_back(at::zeros_like(one));
  }
}

void Admm::add_gradients(Model& model) const {
  at::NoGradGuard no_grad;
  for (size_t i = 0; i < weights_.size(); ++i) {
    const at::Tensor& raw = model.param(weights_[i]).raw;
    at::Tensor gradient = raw.grad();
    if (!gradient.defined()) continue;
    for (const Pair& pair : pairs_) {
      gradient.add_(raw, rho_);
      gradient.sub_(pair.z[i], rho_);
      gradient.add_(pair.u[i], rho_);
    }
  }
}

void Admm::update(Model& model) {
  at::NoGradGuard no_grad;
  const std::vector<at::Tensor> w = values(model);
  double norm = 0.0;
  for (const at::Tensor& one : w) norm += squared_norm(one);
  norm = std::max(std::sqrt(norm), 1e-30);
  const double grown = std::max(rho_, std::min(rho_ * config_.rho_growth, config_.rho_max));
  AdmmResiduals residuals{.rho = rho_};
  for (size_t s = 0; s < sets_.size(); ++s) {
    Pair& pair = pairs_[s];
    std::vector<at::Tensor> shifted;
    for (size_t i = 0; i < w.size(); ++i) shifted.push_back(w[i] + pair.u[i]);
    std::vector<at::Tensor> z = sets_[s].project(shifted);
    double primal = 0.0, dual = 0.0;
    for (size_t i = 0; i < w.size(); ++i) {
      primal += squared_norm(w[i] - z[i]);
      dual += squared_norm(z[i] - pair.z[i]);
      pair.u[i] = (shifted[i] - z[i]).mul_(rho_ / grown);
    }
    pair.z = std::move(z);
    residuals.primal = std::max(residuals.primal, std::sqrt(primal) / norm);
    residuals.dual = std::max(residuals.dual, std::sqrt(dual) / norm);
  }
  history_.push_back(residuals);
  rho_ = grown;
}

bool Admm::stalled() const {
  const auto patience = static_cast<size_t>(config_.patience);
  if (patience == 0 || history_.size() <= patience) return false;
  const auto lower = [](const AdmmResiduals& a, const AdmmResiduals& b) { return a.primal < b.primal; };
  const auto recent = history_.end() - static_cast<long>(patience);
  const double before = std::min_element(history_.begin(), recent, lower)->primal;
  return std::min_element(recent, history_.end(), lower)->primal > (1.0 - config_.tolerance) * before;
}

std::map<std::string, at::Tensor> Admm::state() const {
  std::map<std::string, at::Tensor> out = {{"rho", at::scalar_tensor(rho_, at::kDouble)}};
  at::Tensor history = at::empty({static_cast<int64_t>(history_.size()), 3}, at::kDouble);
  double* to = history.mutable_data_ptr<double>();
  for (const AdmmResiduals& r : history_) {
    for (double value : {r.rho, r.primal, r.dual}) *to++ = value;
  }
  out["history"] = history;
  for (size_t s = 0; s < pairs_.size(); ++s) {
    for (size_t i = 0; i < weights_.size(); ++i) {
      out[slot(s, "z", weights_[i])] = pairs_[s].z[i];
      out[slot(s, "u", weights_[i])] = pairs_[s].u[i];
    }
  }
  return out;
}

void Admm::load_state(const std::map<std::string, at::Tensor>& state) {
  rho_ = saved(state, "rho").item<double>();
  const at::Tensor history = saved(state, "history").contiguous();
  PARE_CHECK(history.dim() == 2 && history.size(1) == 3 && history.scalar_type() == at::kDouble, ModelError,
             "[admm] expected a history of [updates, 3] numbers, got {}", history.sizes().vec());
  history_.clear();
  for (int64_t k = 0; k < history.size(0); ++k) {
    const double* row = history.const_data_ptr<double>() + 3 * k;
    history_.push_back({row[0], row[1], row[2]});
  }
  for (size_t s = 0; s < pairs_.size(); ++s) {
    pairs_[s] = {};
    for (const std::string& weight : weights_) {
      pairs_[s].z.push_back(saved(state, slot(s, "z", weight)).clone());
      pairs_[s].u.push_back(saved(state, slot(s, "u", weight)).clone());
    }
  }
}

}  // namespace pare
