#include <ATen/ops/full.h>

#include "core/train/trainer.h"

namespace pare {
namespace {

const std::string kPrefix = "trainer/";

}  // namespace

std::map<std::string, at::Tensor> to_tensors(const TrainerState& state) {
  std::map<std::string, at::Tensor> out = state.tensors;
  auto put = [&](const char* name, int64_t value) { out[kPrefix + name] = at::full({}, value, at::kLong); };
  put("epoch", state.epoch);
  put("batch", state.batch);
  put("step", state.step);
  put("best_epoch", state.best_epoch);
  out[kPrefix + "best_metric"] = at::full({}, state.best_metric, at::kDouble);
  out[kPrefix + "epoch_loss"] = at::full({}, state.epoch_loss, at::kDouble);
  return out;
}

TrainerState trainer_state(const std::map<std::string, at::Tensor>& tensors) {
  auto get = [&](const char* name) {
    const auto found = tensors.find(kPrefix + name);
    PARE_CHECK(found != tensors.end() && found->second.numel() == 1, ModelError,
               "[train] expected \"{}{}\" in the checkpoint; it was not written inside a training stage", kPrefix, name);
    return found->second;
  };
  TrainerState out;
  out.epoch = get("epoch").item<int64_t>();
  out.batch = get("batch").item<int64_t>();
  out.step = get("step").item<int64_t>();
  out.best_epoch = get("best_epoch").item<int64_t>();
  out.best_metric = get("best_metric").item<double>();
  out.epoch_loss = get("epoch_loss").item<double>();
  for (const auto& [name, tensor] : tensors)
    for (const char* prefix : {"optimizer/", "ema/", "best/", "modifier/"})
      if (name.starts_with(prefix)) out.tensors[name] = tensor;
  return out;
}

}  // namespace pare
