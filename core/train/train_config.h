#pragma once

#include <string>

#include "core/train/optimizer.h"
#include "core/train/schedule.h"

namespace pare {

enum class LossKind { kCrossEntropy, kMatchInput, kMse };
template <>
struct EnumNames<LossKind> {
  static constexpr std::pair<LossKind, const char*> kNames[] = {
      {LossKind::kCrossEntropy, "cross_entropy"}, {LossKind::kMatchInput, "match_input"}, {LossKind::kMse, "mse"}};
};
enum class Divergence { kMse, kKl };
template <>
struct EnumNames<Divergence> {
  static constexpr std::pair<Divergence, const char*> kNames[] = {{Divergence::kMse, "mse"}, {Divergence::kKl, "kl"}};
};
enum class Keep { kLast, kBest };
template <>
struct EnumNames<Keep> {
  static constexpr std::pair<Keep, const char*> kNames[] = {{Keep::kLast, "last"}, {Keep::kBest, "best"}};
};

/// A training run. Everything random in it comes from the seed that the trainer gets.
struct TrainConfig {
  int64_t epochs = 1;
  int64_t batch_size = 128;
  OptimizerConfig optimizer = SgdConfig{};
  ScheduleConfig schedule = CosineSchedule{};
  double warmup = 0.0;
  LossKind loss = LossKind::kCrossEntropy;
  Divergence divergence = Divergence::kMse;
  double label_smoothing = 0.0;
  double clip_norm = 0.0;
  double ema = 0.0;
  Keep keep = Keep::kLast;
  int64_t patience = 0;
  int64_t workers = 1;
  template <class V> void fields(V& v) {
    v("epochs", epochs, at_least(0), "passes over the training data");
    v("batch_size", batch_size, at_least(1), "examples a step, all ranks together");
    v("optimizer", optimizer, "sgd, adam or adamw with their settings");
    v("schedule", schedule, "learning rate over time: cosine, step, one_cycle or constant");
    v("warmup", warmup, at_least(0), "epochs over which the learning rate climbs; fractions are allowed");
    v("loss", loss, "cross_entropy; match_input: needs no labels, the input model's outputs are the target; mse: against one-hot labels");
    v("divergence", divergence, "of match_input: mse over all outputs, or kl between the softmaxes of the last dim");
    v("label_smoothing", label_smoothing, below(0, 1), "part of the target spread over all classes");
    v("clip_norm", clip_norm, at_least(0), "largest gradient norm; 0: no clipping");
    v("ema", ema, below(0, 1), "decay of the moving average that replaces the weights at the end; 0: none");
    v("keep", keep, "last: the final weights; best: of the epoch best on held-out examples, of those behind the last pruning");
    v("patience", patience, at_least(0), "stop after that many epochs without a better held-out metric; 0: never");
    v("workers", workers, between(1, 64), "loader threads");
  }
  /// Cross-field checks; called by the recipe reader. Throws ConfigError.
  void check(const ConfigMark& mark, const std::string& path) const;
};

}  // namespace pare
