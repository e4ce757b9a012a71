#pragma once

#include <map>
#include <string>

#include "core/model/model.h"

namespace pare {

/// The parameters and buffers of the best epoch so far (of those that count, see Modifier::settled). A structure change makes them useless: they are dropped and
/// the search starts again.
class BestWeights final : public RemapListener {
 public:
  explicit BestWeights(Model& model);
  ~BestWeights() override;
  BestWeights(const BestWeights&) = delete;
  BestWeights& operator=(const BestWeights&) = delete;
  /// Notes the best epoch; `metric` is larger for better ones. Copies the model's values when `weights`.
  void keep(double metric, int64_t epoch, bool weights);
  /// Writes what was kept into the model; false when there is nothing.
  bool restore();
  double metric() const { return metric_; }    ///< -1: none yet
  int64_t epoch() const { return epoch_; }
  std::map<std::string, at::Tensor> state() const { return kept_; }
  void load_state(const std::map<std::string, at::Tensor>& state, double metric, int64_t epoch);
  std::string holder() const override { return "best weights"; }
  void remap(Model& model, const Remap& remap) override;

 private:
  Model& model_;
  std::map<std::string, at::Tensor> kept_;
  double metric_ = -1.0;
  int64_t epoch_ = -1;
};

}  // namespace pare
