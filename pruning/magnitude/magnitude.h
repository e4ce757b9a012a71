#pragma once

#include <string>
#include <vector>

#include "core/base/config.h"
#include "core/job/registry.h"
#include "core/recipe/selector.h"
#include "core/train/modifier.h"
#include "pruning/criteria/criterion.h"

namespace pare {

enum class SparsityStructure { kUnstructured, kNofM, kBlock };
template <>
struct EnumNames<SparsityStructure> {
  static constexpr std::pair<SparsityStructure, const char*> kNames[] = {
      {SparsityStructure::kUnstructured, "unstructured"}, {SparsityStructure::kNofM, "n:m"}, {SparsityStructure::kBlock, "block"}};
};
/// What to zero: shared by the one-shot stage and the gradual modifier.
struct MagnitudeTarget {
  double sparsity = 0.5;
  SparsityStructure structure = SparsityStructure::kUnstructured;
  SparsityScope scope = SparsityScope::kLayer;
  int64_t n = 2, m = 4;
  std::vector<int64_t> block = {1, 4};
  Selector targets, ignore;
  template <class V>
  void fields(V& v) {
    v("sparsity", sparsity, below(0, 1), "share of zeros (unstructured, block); n:m fixes it to 1 - n/m");
    v("structure", structure, "unstructured, n:m or block");
    v("scope", scope, "one threshold a layer, or one for all layers together");
    v("n", n, at_least(1), "kept of every m (n:m)");
    v("m", m, at_least(2), "group length along the input channels (n:m)");
    v("block", block, at_least(1), "block sizes of the leading weight dims (block)");
    v("targets", targets, "layers to prune; all Conv, Gemm and MatMul when left out");
    v("ignore", ignore, "layers to leave as they are");
  }
};

struct MagnitudeConfig : MagnitudeTarget {};

/// Gradual form: the cubic schedule of Zhu & Gupta (1710.01878) from 0 to the target.
struct GradualMagnitudeConfig : MagnitudeTarget {
  double start_epoch = 0.0, end_epoch = -1.0;
  int64_t update_steps = 50;
  template <class V>
  void fields(V& v) {
    MagnitudeTarget::fields(v);
    v("start_epoch", start_epoch, at_least(0), "first pruning, in epochs of this stage");
    v("end_epoch", end_epoch, at_least(-1), "target reached, in epochs; -1: three quarters of the stage");
    v("update_steps", update_steps, at_least(1), "optimizer steps between two new masks");
  }
};

/// Names of the weights that the target selects, in graph order. Throws ConfigError when there are none.
std::vector<std::string> selected_weights(const Graph& graph, const MagnitudeTarget& target);

/// Masks (kFloat, 0 or 1) for magnitudes, one tensor a weight: the target's structure at `sparsity` (ignored for n:m).
std::vector<at::Tensor> magnitude_masks(const MagnitudeTarget& target, const std::vector<at::Tensor>& scores,
                                        double sparsity);

/// Computes masks from |w| of the raw weights at `sparsity` (ignored for n:m) and puts them in the chains,
/// replacing older magnitude masks. Elements that an older mask dropped stay dropped: their raw value counts as zero.
void apply_magnitude_masks(Model& model, const MagnitudeTarget& target, const std::vector<std::string>& weights,
                           double sparsity);
/// Share of zeros in the named weights after their chains.
double sparsity_of(Model& model, const std::vector<std::string>& weights);

class MagnitudeStage final : public Stage {
 public:
  explicit MagnitudeStage(MagnitudeConfig config) : config_(std::move(config)) {}
  Json config() const override { return config_to_json(config_); }
  void check(Job& job) override;
  std::vector<std::string> plan(Job& job) override;
  void run(Job& job) override;

 private:
  MagnitudeConfig config_;
};

class GradualMagnitude final : public Modifier {
 public:
  GradualMagnitude(GradualMagnitudeConfig config, Job&) : config_(std::move(config)) {}
  explicit GradualMagnitude(GradualMagnitudeConfig config) : config_(std::move(config)) {}
  std::string holder() const override { return "prune.magnitude"; }
  void start(Model& model, const StepContext& context) override;
  void before_step(Model& model, const StepContext& context) override;
  void finish(Model& model, const StepContext& context) override;
  bool settled() const override { return reached_ >= config_.sparsity; }
  std::string status() const override;
  std::map<std::string, at::Tensor> state() const override;
  void load_state(const std::map<std::string, at::Tensor>& state) override;
  /// Sparsity wanted at a step: 0 before the start, target * (1 - (1 - p)^3) between, target afterwards.
  double scheduled(int64_t step, int64_t steps_per_epoch, int64_t total_steps) const;

 private:
  GradualMagnitudeConfig config_;
  std::vector<std::string> weights_;
  double reached_ = 0.0;
};

}  // namespace pare
