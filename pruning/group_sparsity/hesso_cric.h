#pragma once

#include "pruning/group_sparsity/hesso.h"

namespace pare {

struct HessoCricConfig : HessoConfig {
  int64_t cycles = 10;
  std::vector<double> samples = {0.25, 0.5, 0.75};
  template <class V>
  void fields(V& v) {
    HessoConfig::fields(v);
    v("cycles", cycles, at_least(1), "corrections of a choice at most");
    v("samples", samples, between(0, 1),
      "how far the candidates are projected to zero for a trial, ascending, below 1");
  }
};

/// HESSO-CRIC (2409.09085): HESSO whose choice of redundant units is corrected before it counts. The candidates are
/// projected towards zero on a copy of the model; importance is measured anew with the mean gradient along that way
/// (cross entropy of this batch, or without labels the squared distance from the outputs before). Candidates that turn
/// out important are moved out for this period, until none does.
class HessoCric final : public Hesso {
 public:
  HessoCric(HessoCricConfig config, Job& job) : HessoCric(std::move(config), &job) {}
  explicit HessoCric(HessoCricConfig config) : HessoCric(std::move(config), nullptr) {}
  static void check(const HessoCricConfig& config, Job& job);
  at::Tensor loss(Model& model, const LossContext& context, at::Tensor loss_so_far) override;
  /// Units moved out of all choices so far.
  int64_t corrected() const { return corrected_; }

 protected:
  std::vector<int32_t> redundant(const StepContext& context, double share) override;

 private:
  HessoCric(HessoCricConfig config, Job* job);
  std::map<std::string, at::Tensor> trial_gradients(const std::vector<int32_t>& units,
                                                    const StepContext& context) const;
  HessoCricConfig config_;
  std::vector<at::Tensor> inputs_;
  at::Tensor targets_, output_;
  int64_t corrected_ = 0;
};

}  // namespace pare
