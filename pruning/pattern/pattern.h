#pragma once

#include <string>
#include <vector>

#include "core/job/registry.h"
#include "pruning/pattern/projection.h"

namespace pare {

struct PatternConfig : PatternTarget {};

/// What became of the model.
struct PatternReport {
  int64_t layers = 0;
  int64_t kernels = 0, kernels_kept = 0;       ///< 3x3 kernels of the pruned layers
  int64_t elements = 0, elements_kept = 0;     ///< weights of the pruned layers
  double energy_kept = 1.0;                    ///< share of their squared weights
  std::vector<int64_t> patterns;               ///< the set
  std::vector<int64_t> uses;                   ///< kernels with each pattern
};
Json to_json(const PatternReport& report);
std::string describe(const PatternReport& report);

/// The raw weights of the layers; what an earlier mask dropped counts as zero.
std::vector<at::Tensor> weights_of(Model& model, const std::vector<PatternLayer>& layers);
/// Projects the weights and puts the masks in their chains, in place of older ones (what these dropped stays dropped).
/// The masks hold through training and quantization and are stored in the layout `pattern` (1x1 layers: `block`).
PatternReport apply_pattern_masks(Model& model, const PatternTarget& target, const PatternProjection& projection);

/// Straight projection (PatDNN, 2001.00138, without its training): every 3x3 kernel keeps its centre and three other
/// elements, in one of a few patterns, and the weakest kernels go as a whole.
class PatternStage final : public Stage {
 public:
  explicit PatternStage(PatternConfig config) : config_(std::move(config)) {}
  Json config() const override { return config_to_json(config_); }
  void check(Job& job) override;
  std::vector<std::string> plan(Job& job) override;
  void run(Job& job) override;

 private:
  PatternConfig config_;
};

}  // namespace pare
