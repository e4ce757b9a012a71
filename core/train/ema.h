#pragma once

#include <map>
#include <string>

#include "core/model/model.h"

namespace pare {

/// Exponential moving average of a model's parameters and float buffers: s = decay * s + (1 - decay) * p.
/// Follows structure changes: kept channels bit-equal, new parameters start at their own value.
class Ema final : public RemapListener {
 public:
  /// Starts at the current values; `model` outlives it.
  Ema(Model& model, double decay);
  ~Ema() override;
  Ema(const Ema&) = delete;
  Ema& operator=(const Ema&) = delete;
  void update();
  /// Exchanges the averages with the model's values; call it twice to evaluate with the averages.
  void swap();
  /// Handles by parameter name.
  std::map<std::string, at::Tensor> state() const { return shadow_; }
  /// Throws ModelError when a name or shape does not fit.
  void load_state(const std::map<std::string, at::Tensor>& state);
  std::string holder() const override { return "ema"; }
  void remap(Model& model, const Remap& remap) override;

 private:
  Model& model_;
  double decay_;
  std::map<std::string, at::Tensor> shadow_;
};

}  // namespace pare
