#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/config.h"
#include "core/job/registry.h"
#include "core/train/modifier.h"
#include "pruning/criteria/criterion.h"
#include "pruning/structured/removal.h"

namespace pare {

struct StructuredConfig : RemovalLimits {
  StructuredBudget target;
  CriterionConfig criterion = NormCriterion{};
  ScoreNormalization normalization = ScoreNormalization::kGroupMean;
  SparsityScope scope = SparsityScope::kGlobal;
  bool inexact = false;
  template <class V>
  void fields(V& v) {
    v("target", target, "what remains: one of macs, params, channels, latency");
    v("criterion", criterion, "importance of a unit: norm, taylor, hessian, bn_scale, fpgm or random");
    v("normalization", normalization, "how groups become comparable: none, group_mean, or lamp (2010.07611)");
    v("scope", scope, "global: one ranking of all units; layer: each group loses the same share");
    RemovalLimits::fields(v);
    v("inexact", inexact, "also prune groups whose removal differs from zeroing (LayerNorm, softmax)");
  }
};

/// Removes whole channels, heads or features so that the budget is met, physically and at once: the model's graph,
/// parameters, chains and listeners (optimizer state) shrink together. The masked and the shrunk model are run on
/// `probe` (model inputs) and must agree: otherwise ModelError, and the model stays as it was. Criteria that need
/// gradients read those of the parameters. Throws ConfigError when the budget cannot be met.
StructuredReport prune_structured(Model& model, const StructuredConfig& config, const std::vector<at::Tensor>& probe);

class StructuredStage final : public Stage {
 public:
  explicit StructuredStage(StructuredConfig config) : config_(std::move(config)) {}
  Json config() const override { return config_to_json(config_); }
  void check(Job& job) override;
  std::vector<std::string> plan(Job& job) override;
  void run(Job& job) override;

 private:
  StructuredConfig config_;
};

struct StructuredModifierConfig : StructuredConfig {
  double at_epoch = 0.0, every = 1.0;
  int64_t rounds = 1;
  template <class V>
  void fields(V& v) {
    StructuredConfig::fields(v);
    v("at_epoch", at_epoch, at_least(0), "when to prune, in epochs of this stage");
    v("rounds", rounds, at_least(1), "prune in so many equal parts; training between them repairs");
    v("every", every, greater_than(0), "epochs between two rounds");
  }
};

/// The same inside training: prunes behind the step where `at_epoch` is reached, or iteratively in several rounds;
/// training goes on with the small model and the kept channels' optimizer state. Throws ConfigError when a round would
/// come behind the stage's end.
class StructuredModifier final : public Modifier {
 public:
  StructuredModifier(StructuredModifierConfig config, Job& job) : StructuredModifier(std::move(config)) {
    config_.target = config_.target.resolved(&job);
  }
  explicit StructuredModifier(StructuredModifierConfig config) : config_(std::move(config)) {}
  /// Throws what the training would before its first step, before any stage runs. See Removal.
  static void check(const StructuredModifierConfig& config, Job& job);
  std::string holder() const override { return "prune.structured"; }
  void start(Model& model, const StepContext& context) override;
  at::Tensor loss(Model& model, const LossContext& context, at::Tensor loss_so_far) override;
  void after_step(Model& model, const StepContext& context) override;
  /// What a stage that ended early still owes.
  void finish(Model& model, const StepContext& context) override;
  bool settled() const override { return round_ == config_.rounds; }
  std::map<std::string, at::Tensor> state() const override;
  void load_state(const std::map<std::string, at::Tensor>& state) override;

 private:
  int64_t due(const StepContext& context, int64_t round) const;
  void prune_round(Model& model, const StepContext& context);
  StructuredModifierConfig config_;
  std::vector<at::Tensor> probe_;       // this step's inputs
  int64_t round_ = 0;                   // rounds done
  double remaining_ = 1.0;              // share of the target's measure, of the model that the stage got
  std::map<std::string, int> choices_;  // of the first analysis, see TiePolicy
};

}  // namespace pare
