#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/job/job.h"
#include "core/job/registry.h"
#include "core/train/train_config.h"
#include "core/train/trainer.h"

namespace pare {

/// When a training stage saves its progress, so that a killed run loses little.
struct CheckpointConfig {
  double seconds = 30;
  int64_t steps = 0;
  template <class V> void fields(V& v) {
    v("seconds", seconds, at_least(0), "seconds between two checkpoints; 0: none by time");
    v("steps", steps, at_least(0), "optimizer steps between two checkpoints; 0: none by steps");
  }
};

struct TrainStageConfig : TrainConfig {
  CheckpointConfig checkpoint;
  std::vector<ConfigNode> with;
  template <class V> void fields(V& v) {
    TrainConfig::fields(v);
    v("checkpoint", checkpoint, "how often progress is saved");
    v("with", with, "modifiers active during training, in order: a list of one-key maps");
  }
};

/// The recipe's `train`: core/train's Trainer with the registry's modifiers, journaled. Continues a killed stage from its
/// last checkpoint to the same bits that an undisturbed run gives. Behind quant.ptq it is quantization-aware: weights and
/// activations keep their integer grids, gradients pass straight through them (1712.05877).
class TrainStage final : public Stage {
 public:
  explicit TrainStage(TrainStageConfig config) : config_(std::move(config)) {}
  Json config() const override { return resolved_; }
  std::vector<std::string> not_after() const override { return {}; }
  void check(Job& job) override;
  std::vector<std::string> plan(Job& job) override;
  void run(Job& job) override;

 private:
  using Builder = std::function<std::unique_ptr<Modifier>(Job&)>;
  void read_modifiers(Job& job);
  bool resume(Job& job, TrainerState& state) const;
  TrainCallbacks callbacks(Job& job) const;

  TrainStageConfig config_;
  Json resolved_;                    ///< with the modifiers' defaults; known after `check`
  std::vector<std::string> names_;   ///< of the modifiers
  std::vector<Builder> builders_;
};

}  // namespace pare
