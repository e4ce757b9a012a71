#include "core/train/optimizer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <functional>
#include <unordered_map>

#include "core/model/cuts.h"
#include "core/train/remap_state.h"

namespace pare {
namespace {

/// What the three optimizers share: state by name, following structure changes, walking over the parameters.
class NamedOptimizer : public Optimizer {
 public:
  NamedOptimizer(Model& model, double lr, double weight_decay)
      : model_(model), lr_(lr), base_lr_(lr), weight_decay_(weight_decay) {
    model_.add_listener(this);
  }
  ~NamedOptimizer() override { model_.remove_listener(this); }

  void zero_grad() override {
    each([](const std::string&, at::Tensor tensor, bool) { tensor.mutable_grad().reset(); });
  }
  void step() override {
    at::NoGradGuard no_grad;
    each([&](const std::string& name, at::Tensor tensor, bool is_raw) {
      const at::Tensor grad = tensor.grad();
      if (grad.defined()) update(tensor.detach(), grad, decay_of(is_raw), state_[name]);
    });
  }
  void set_lr(double lr) override { lr_ = lr; }
  double lr() const override { return lr_; }
  double base_lr() const override { return base_lr_; }
  double weight_decay(const std::string& name) const override { return decay_of(is_raw(name)); }

  std::map<std::string, at::Tensor> state_of(const std::string& name) override {
    const auto found = state_.find(name);
    return found == state_.end() ? std::map<std::string, at::Tensor>{} : found->second.tensors;
  }
  std::map<std::string, at::Tensor> state() const override {
    std::map<std::string, at::Tensor> out;
    out["lr"] = at::full({}, lr_, at::kDouble);
    for (const auto& [name, state] : state_) {
      out[name + "/step"] = at::full({}, state.step, at::kLong);
      for (const auto& [key, tensor] : state.tensors) out[name + "/" + key] = tensor;
    }
    return out;
  }
  void load_state(const std::map<std::string, at::Tensor>& state) override;
  at::Tensor direction(const std::string& name) override {
    at::NoGradGuard no_grad;
    at::Tensor out;
    each([&](const std::string& other, at::Tensor tensor, bool is_raw) {
      if (other != name || !tensor.grad().defined()) return;
      const auto found = state_.find(name);
      ParamState copy;
      if (found != state_.end()) {
        copy.step = found->second.step;
        for (const auto& [key, value] : found->second.tensors) copy.tensors[key] = value.clone();
      }
      out = direction_of(tensor.detach(), tensor.grad(), decay_of(is_raw), copy);
    });
    return out;
  }

  void remap(Model&, const Remap& remap) override {
    at::NoGradGuard no_grad;
    State old = std::move(state_);
    state_.clear();
    each([&](const std::string& name, const at::Tensor& tensor, bool is_raw) {
      const ParamRemap entry = is_raw ? entry_of(remap, name) : ParamRemap{.from = name};
      const auto from = old.find(entry.from);
      if (from == old.end() || !has_source(entry)) return;
      ParamState moved{from->second.step, {}};
      for (const auto& [key, value] : from->second.tensors) moved.tensors[key] = apply_cuts(value, entry);
      // A link may have reshaped its own state in ways only it knows; its moments start again.
      for (const auto& [key, value] : moved.tensors)
        if (value.sizes() != tensor.sizes()) return;
      state_[name] = std::move(moved);
    });
  }

 protected:
  struct ParamState {
    int64_t step = 0;
    std::map<std::string, at::Tensor> tensors;
  };
  using State = std::unordered_map<std::string, ParamState>;

  /// One step of one parameter.
  virtual void update(at::Tensor param, const at::Tensor& grad, double decay, ParamState& state) const = 0;
  /// The tensor d of `param -= lr * d`; may change `state`.
  virtual at::Tensor direction_of(const at::Tensor& param, const at::Tensor& grad, double decay, ParamState& state) const = 0;

  /// The model's current leaves: links come and go, so nothing is kept between steps.
  void each(const std::function<void(const std::string&, const at::Tensor&, bool is_raw)>& visit) const {
    for (const Param& param : model_.params())
      if (param.raw.requires_grad()) visit(param.name, param.raw, true);
    for (const auto& [name, tensor] : model_.chain_parameters()) visit(name, tensor, false);
  }
  bool is_raw(const std::string& name) const {
    for (const Param& param : model_.params())
      if (param.name == name) return true;
    return false;
  }
  double decay_of(bool is_raw) const { return is_raw ? weight_decay_ : 0.0; }

  Model& model_;
  State state_;
  double lr_, base_lr_, weight_decay_;
};

void NamedOptimizer::load_state(const std::map<std::string, at::Tensor>& state) {
  std::map<std::string, at::Tensor> leaves;
  each([&](const std::string& name, const at::Tensor& tensor, bool) { leaves[name] = tensor; });
  State loaded;
  double lr = lr_;
  for (const auto& [name, tensor] : state) {
    if (name == "lr") {
      lr = tensor.item<double>();
      continue;
    }
    const size_t slash = name.rfind('/');
    const std::string param = name.substr(0, slash), key = slash == std::string::npos ? "" : name.substr(slash + 1);
    PARE_CHECK(leaves.count(param), ModelError, "[{}] state \"{}\" belongs to no parameter of the model", holder(), name);
    if (key == "step") {
      loaded[param].step = tensor.item<int64_t>();
      continue;
    }
    PARE_CHECK(tensor.sizes() == leaves[param].sizes(), ModelError, "[{}] expected state \"{}\" of shape {}, got {}", holder(),
               name, leaves[param].sizes().vec(), tensor.sizes().vec());
    loaded[param].tensors[key] = tensor.to(leaves[param].device()).clone();
  }
  lr_ = lr;
  state_ = std::move(loaded);
}

class Sgd final : public NamedOptimizer {
 public:
  Sgd(const SgdConfig& config, Model& model) : NamedOptimizer(model, config.lr, config.weight_decay), config_(config) {}
  std::string holder() const override { return "sgd"; }

 protected:
  void update(at::Tensor param, const at::Tensor& grad, double decay, ParamState& state) const override {
    param.add_(direction_of(param, grad, decay, state), -lr_);
    ++state.step;
  }
  at::Tensor direction_of(const at::Tensor& param, const at::Tensor& grad, double decay, ParamState& state) const override {
    const at::Tensor d = decay != 0.0 ? grad.add(param, decay) : grad;
    if (config_.momentum == 0.0) return d;
    at::Tensor& momentum = state.tensors["momentum"];
    if (momentum.defined())
      momentum.mul_(config_.momentum).add_(d);
    else
      momentum = d.clone();
    return config_.nesterov ? d.add(momentum, config_.momentum) : momentum;
  }

 private:
  SgdConfig config_;
};

/// Adam (1412.6980); with `decoupled` AdamW (1711.05101). The order of operations is torch.optim's.
class Adam final : public NamedOptimizer {
 public:
  Adam(const AdamConfig& config, Model& model, bool decoupled)
      : NamedOptimizer(model, config.lr, config.weight_decay), config_(config), decoupled_(decoupled) {}
  std::string holder() const override { return decoupled_ ? "adamw" : "adam"; }

 protected:
  void update(at::Tensor param, const at::Tensor& grad, double decay, ParamState& state) const override {
    if (decoupled_ && decay != 0.0) param.mul_(1.0 - lr_ * decay);
    const auto [denominator, correction] = moments(param, grad, decoupled_ ? 0.0 : decay, state);
    param.addcdiv_(state.tensors["m"], denominator, -lr_ / correction);
  }
  at::Tensor direction_of(const at::Tensor& param, const at::Tensor& grad, double decay, ParamState& state) const override {
    const auto [denominator, correction] = moments(param, grad, decoupled_ ? 0.0 : decay, state);
    const at::Tensor d = state.tensors["m"] / denominator / correction;
    return decoupled_ && decay != 0.0 ? d.add(param, decay) : d;
  }

 private:
  struct Moments {
    at::Tensor denominator;
    double correction;   // of the first moment
  };
  Moments moments(const at::Tensor& param, const at::Tensor& grad, double decay, ParamState& state) const {
    at::Tensor& m = state.tensors["m"];
    at::Tensor& v = state.tensors["v"];
    if (!m.defined()) {
      m = at::zeros_like(param);
      v = at::zeros_like(param);
    }
    ++state.step;
    const auto step = static_cast<double>(state.step);
    const double correction1 = 1.0 - std::pow(config_.beta1, step), correction2 = 1.0 - std::pow(config_.beta2, step);
    const at::Tensor g = decay != 0.0 ? grad.add(param, decay) : grad;
    m.mul_(config_.beta1).add_(g, 1.0 - config_.beta1);
    v.mul_(config_.beta2).addcmul_(g, g, 1.0 - config_.beta2);
    return {(v.sqrt() / std::sqrt(correction2)).add_(config_.eps), correction1};
  }
  AdamConfig config_;
  bool decoupled_;
};

struct Maker {
  Model& model;
  std::unique_ptr<Optimizer> operator()(const SgdConfig& c) const { return std::make_unique<Sgd>(c, model); }
  std::unique_ptr<Optimizer> operator()(const AdamConfig& c) const { return std::make_unique<Adam>(c, model, false); }
  std::unique_ptr<Optimizer> operator()(const AdamWConfig& c) const { return std::make_unique<Adam>(c, model, true); }
};

}  // namespace

std::unique_ptr<Optimizer> Optimizer::create(const OptimizerConfig& config, Model& model) {
  return std::visit(Maker{model}, config);
}

}  // namespace pare
