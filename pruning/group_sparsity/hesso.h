#pragma once

#include "pruning/criteria/criterion.h"
#include "pruning/group_sparsity/group_sparsity.h"
#include "pruning/group_sparsity/saliency.h"

namespace pare {

struct HessoConfig : RemovalLimits, SparsitySpan {
  StructuredBudget target;
  int64_t periods = 10;
  SaliencyMix saliency;
  ScoreNormalization normalization = ScoreNormalization::kNone;
  template <class V>
  void fields(V& v) {
    v("target", target, "what remains: one of macs, params, channels, latency");
    SparsitySpan::fields(v);
    v("periods", periods, at_least(1),
      "parts of the span; each chooses a share of the redundant units and shrinks them to zero");
    v("saliency", saliency, "the mix of measures that ranks the units");
    v("normalization", normalization,
      "how groups become comparable: none (as in the paper), group_mean, or lamp (2010.07611)");
    RemovalLimits::fields(v);
  }
};

/// HESSO (2409.09085): at the start of each period the least salient units become redundant, as many as the budget asks
/// for by then; behind each optimizer step of the period they are scaled by (T - t - 1) / (T - t), which ends at
/// exactly zero after T steps. All other units train as always ("hybrid training"). After the last period the zero
/// units are removed.
class Hesso : public GroupSparsity {
 public:
  Hesso(HessoConfig config, Job& job) : Hesso(std::move(config), "prune.hesso", &job) {}
  explicit Hesso(HessoConfig config) : Hesso(std::move(config), "prune.hesso", nullptr) {}
  /// Throws what the training would before its first step, before any stage runs. See Removal.
  static void check(const HessoConfig& config, Job& job);

  void before_step(Model& model, const StepContext& context) override;
  void after_step(Model& model, const StepContext& context) override;

 protected:
  Hesso(HessoConfig config, std::string name, Job* job);
  /// Importance of each unit under the given gradients.
  std::vector<double> scores(const UnitTable::TensorOf& gradients) const;
  /// Units to be redundant from this period on, the earlier ones among them. `share` of the budget's measure remains.
  virtual std::vector<int32_t> redundant(const StepContext& context, double share);
  std::vector<int32_t> last_choice(const StepContext& context) override;
  void begin(const StepContext& context) override;

 private:
  /// First step of a period, [0, periods]; that of `periods` is the end.
  int64_t step_of(int64_t period) const { return first_ + period * (last_ - first_) / config_.periods; }
  int64_t period_of(int64_t step) const;
  HessoConfig config_;
  int64_t first_ = 0, last_ = 0;
};

}  // namespace pare
