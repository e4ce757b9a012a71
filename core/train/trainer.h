#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "core/train/evaluate.h"
#include "core/train/modifier.h"
#include "core/train/train_config.h"

namespace pare {

/// Where a run stands: with the model's checkpoint, everything that a bit-exact resume needs.
struct TrainerState {
  int64_t epoch = 0;            ///< of the next step
  int64_t batch = 0;            ///< of the next step inside the epoch
  int64_t step = 0;             ///< steps done
  double best_metric = -1.0;    ///< top-1 rate on the held-out examples; -1: none yet
  int64_t best_epoch = -1;
  double epoch_loss = 0.0;      ///< sum of the epoch's step losses so far
  /// "optimizer/...", "ema/...", "best/...", "modifier/<index>/...".
  std::map<std::string, at::Tensor> tensors;
};
/// One map for a checkpoint's extras; the numbers become scalar tensors "trainer/...".
std::map<std::string, at::Tensor> to_tensors(const TrainerState& state);
/// Inverse; other names are left out. Throws ModelError when a number is missing.
TrainerState trainer_state(const std::map<std::string, at::Tensor>& tensors);

/// What a progress line shows, after each step.
struct TrainProgress {
  int64_t step = 0, total_steps = 0;   ///< steps done
  int64_t epoch = 0, epochs = 0;       ///< epoch of the step, from 0
  double loss = 0.0;                   ///< of this step, modifiers included, mean over ranks
  double epoch_loss = 0.0;             ///< mean since the epoch's start
  double lr = 0.0;
  std::string status;                  ///< of the modifiers
};
struct EpochSummary {
  int64_t epoch = 0;
  double loss = 0.0;                   ///< mean over the epoch
  EvalResult holdout;                  ///< count 0 without held-out examples
  bool best = false;
};

class Trainer;
/// Called on the training thread. `step` may save the model and `trainer.state()`, or throw to stop.
struct TrainCallbacks {
  std::function<void(const TrainProgress&, const Trainer& trainer)> step;
  std::function<void(const EpochSummary&)> epoch;
};

struct TrainData {
  DatasetPtr train;            ///< augmented, normalised
  DatasetPtr holdout;          ///< may be null
  Model* reference = nullptr;  ///< for loss match_input
  uint64_t seed = 0;           ///< order, augmentation, dropout
};

/// Trains a model: schedule, modifiers in order, gradient averaging over ranks, moving average, held-out choice.
/// All ranks construct it alike and call `run` together.
class Trainer {
 public:
  /// `model`, `modifiers` and `communicator` outlive the trainer; modifiers follow structure changes while it lives. Throws ConfigError for a config that cannot work with
  /// this data or these ranks.
  Trainer(Model& model, TrainData data, TrainConfig config, std::vector<Modifier*> modifiers, Communicator& communicator,
          TrainCallbacks callbacks = {});
  ~Trainer();
  /// Continues from `state`; the model must be the one saved with it. Call before `run`.
  void resume(TrainerState state);
  /// Runs to the end. Throws ModelError naming the step when the loss is NaN or infinite; the weights are then those
  /// before that step.
  void run();
  /// Handles on the current state: write them before the next step. Throws ModelError when a parameter is not finite,
  /// so that no such checkpoint is written.
  TrainerState state() const;
  const Model& model() const;
  int64_t total_steps() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pare
