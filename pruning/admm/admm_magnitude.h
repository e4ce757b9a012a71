#pragma once

#include "pruning/admm/admm_pruning.h"
#include "pruning/magnitude/magnitude.h"

namespace pare {

struct AdmmMagnitudeConfig : MagnitudeTarget {
  AdmmConfig admm;
  template <class V>
  void fields(V& v) {
    MagnitudeTarget::fields(v);
    v("admm", admm, "how long and how firmly the weights are pulled");
  }
};

/// `prune.admm`: the sets of prune.magnitude (unstructured, n:m, block) reached by ADMM (1804.03294); from the pattern
/// methods it differs in the projection alone.
class AdmmMagnitude final : public AdmmPruning {
 public:
  AdmmMagnitude(AdmmMagnitudeConfig config, Job& job) : AdmmMagnitude(std::move(config), &job) {}
  explicit AdmmMagnitude(AdmmMagnitudeConfig config) : AdmmMagnitude(std::move(config), nullptr) {}
  static void check(const AdmmMagnitudeConfig& config, Job& job);

 protected:
  std::vector<std::string> prepare(Model& model) override;
  std::vector<ConstraintSet> sets() override;
  Json project(Model& model) override;
  std::vector<std::string> prepare_again(Model& model, const std::map<std::string, at::Tensor>&) override {
    return prepare(model);
  }

 private:
  AdmmMagnitude(AdmmMagnitudeConfig config, Job* job)
      : AdmmPruning("prune.admm", config.admm, job), config_(std::move(config)) {}
  AdmmMagnitudeConfig config_;
  std::vector<std::string> weights_;
};

}  // namespace pare
