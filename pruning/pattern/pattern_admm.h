#pragma once

#include "pruning/admm/admm_pruning.h"
#include "pruning/pattern/pattern.h"

namespace pare {

struct PatternModifierConfig : PatternTarget {
  AdmmConfig admm;
  template <class V>
  void fields(V& v) {
    PatternTarget::fields(v);
    v("admm", admm, "how long and how firmly the weights are pulled to the patterns; epochs: 0 projects at once");
  }
};

/// `prune.pattern` in training (PatDNN, 2001.00138): ADMM with one auxiliary pair for the patterns and one for the
/// connectivity, the hard projection, and masked training until the stage ends.
class PatternPruning final : public AdmmPruning {
 public:
  PatternPruning(PatternModifierConfig config, Job& job) : PatternPruning(std::move(config), &job) {}
  explicit PatternPruning(PatternModifierConfig config) : PatternPruning(std::move(config), nullptr) {}
  static void check(const PatternModifierConfig& config, Job& job);

 protected:
  std::vector<std::string> prepare(Model& model) override;
  std::vector<ConstraintSet> sets() override;
  Json project(Model& model) override;
  std::map<std::string, at::Tensor> prepared() const override;
  std::vector<std::string> prepare_again(Model& model, const std::map<std::string, at::Tensor>& saved) override;

 private:
  PatternPruning(PatternModifierConfig config, Job* job)
      : AdmmPruning("prune.pattern", config.admm, job), config_(std::move(config)), job_(job) {}
  std::vector<std::string> names() const;
  PatternModifierConfig config_;
  Job* job_;
  std::optional<PatternProjection> projection_;
};

}  // namespace pare
