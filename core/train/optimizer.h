#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/base/config.h"
#include "core/model/model.h"

namespace pare {

struct SgdConfig {
  static constexpr const char* kName = "sgd";
  double lr = 0.1, momentum = 0.9, weight_decay = 0.0;
  bool nesterov = false;
  template <class V> void fields(V& v) {
    v("lr", lr, greater_than(0), "peak learning rate");
    v("momentum", momentum, below(0, 1), "momentum factor");
    v("weight_decay", weight_decay, at_least(0), "L2 factor");
    v("nesterov", nesterov, "Nesterov momentum");
  }
};
struct AdamConfig {
  static constexpr const char* kName = "adam";
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.0;
  template <class V> void fields(V& v) {
    v("lr", lr, greater_than(0), "peak learning rate");
    v("beta1", beta1, below(0, 1), "decay of the first moment");
    v("beta2", beta2, below(0, 1), "decay of the second moment");
    v("eps", eps, greater_than(0), "added to the denominator");
    v("weight_decay", weight_decay, at_least(0), "L2 factor (adam) or decoupled decay (adamw)");
  }
};
struct AdamWConfig : AdamConfig {
  static constexpr const char* kName = "adamw";
};
using OptimizerConfig = std::variant<SgdConfig, AdamConfig, AdamWConfig>;

/// SGD, Adam and AdamW over a model's parameters by name, bit-compatible with torch.optim. Weight decay applies to raw
/// parameters only, never to chain state. State follows structure changes (RemapListener): a kept channel's momentum
/// is bit-equal to the slice of the old one.
class Optimizer : public RemapListener {
 public:
  static std::unique_ptr<Optimizer> create(const OptimizerConfig& config, Model& model);
  virtual void zero_grad() = 0;
  /// One update with the current learning rate; parameters without gradient are skipped.
  virtual void step() = 0;
  virtual void set_lr(double lr) = 0;
  virtual double lr() const = 0;
  virtual double base_lr() const = 0;
  virtual double weight_decay(const std::string& param) const = 0;
  /// State tensors of a parameter by name ("momentum", "m", "v"); empty before its first step. Handles, not copies.
  virtual std::map<std::string, at::Tensor> state_of(const std::string& param) = 0;
  /// All state for checkpoints: "<param>/momentum" ..., "step".
  virtual std::map<std::string, at::Tensor> state() const = 0;
  virtual void load_state(const std::map<std::string, at::Tensor>& state) = 0;
  /// The direction that `step` would move a parameter by (without the learning rate), for HSPG-like methods.
  virtual at::Tensor direction(const std::string& param) = 0;
};

}  // namespace pare
