#include "core/train/ema.h"

#include <ATen/core/grad_mode.h>

#include "core/model/cuts.h"
#include "core/train/remap_state.h"

namespace pare {
namespace {

bool is_averaged(const Param& param) { return param.role != Role::kLiteral && param.raw.is_floating_point(); }

}  // namespace

Ema::Ema(Model& model, double decay) : model_(model), decay_(decay) {
  for (const Param& param : model_.params())
    if (is_averaged(param)) shadow_[param.name] = param.raw.detach().clone();
  model_.add_listener(this);
}

Ema::~Ema() { model_.remove_listener(this); }

void Ema::update() {
  at::NoGradGuard no_grad;
  for (const Param& param : model_.params())
    if (is_averaged(param)) shadow_.at(param.name).lerp_(param.raw, 1.0 - decay_);
}

void Ema::swap() {
  at::NoGradGuard no_grad;
  for (const Param& param : model_.params()) {
    if (!is_averaged(param)) continue;
    at::Tensor& average = shadow_.at(param.name);
    const at::Tensor current = param.raw.detach().clone();
    at::Tensor(param.raw).copy_(average);
    average.copy_(current);
  }
}

void Ema::load_state(const std::map<std::string, at::Tensor>& state) {
  for (const auto& [name, tensor] : shadow_) {
    const auto found = state.find(name);
    PARE_CHECK(found != state.end() && found->second.sizes() == tensor.sizes(), ModelError,
               "[ema] expected an average of \"{}\" of shape {}", name, tensor.sizes().vec());
  }
  for (auto& [name, tensor] : shadow_) tensor.copy_(state.at(name));
}

void Ema::remap(Model& model, const Remap& remap) {
  at::NoGradGuard no_grad;
  const auto old = std::move(shadow_);
  shadow_.clear();
  for (const Param& param : model.params()) {
    if (!is_averaged(param)) continue;
    const ParamRemap entry = entry_of(remap, param.name);
    const auto found = old.find(entry.from);
    shadow_[param.name] = has_source(entry) && found != old.end() ? apply_cuts(found->second, entry) : param.raw.detach().clone();
  }
}

}  // namespace pare
