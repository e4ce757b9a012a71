#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "core/recipe/selector.h"
#include "pruning/criteria/criterion.h"
#include "pruning/pattern/patterns.h"

namespace pare {

enum class PatternSet { kFrequent, kSurviving, kPconv };
template <>
struct EnumNames<PatternSet> {
  static constexpr std::pair<PatternSet, const char*> kNames[] = {
      {PatternSet::kFrequent, "frequent"}, {PatternSet::kSurviving, "surviving"}, {PatternSet::kPconv, "pconv"}};
};
enum class FirstConv { kKeep, kPatterns, kAll };
template <>
struct EnumNames<FirstConv> {
  static constexpr std::pair<FirstConv, const char*> kNames[] = {
      {FirstConv::kKeep, "keep"}, {FirstConv::kPatterns, "patterns"}, {FirstConv::kAll, "all"}};
};

/// What is zeroed: shared by the stage and the modifier.
struct PatternTarget {
  int64_t patterns = 8;
  PatternSet set = PatternSet::kFrequent;
  PatternGroup pattern_group;
  double connectivity_sparsity = 0.0;
  SparsityScope scope = SparsityScope::kLayer;
  double min_density = 0.1;
  double pointwise_sparsity = 0.0;
  FirstConv first_conv = FirstConv::kKeep;
  Selector targets, ignore;
  template <class V>
  void fields(V& v) {
    v("patterns", patterns, between(1, 56), "size of the pattern set");
    v("set", set,
      "frequent: the model's most frequent natural patterns; surviving: the rarest dropped one by one (2001.07710); pconv: "
      "the four fixed ones of 1909.05073");
    v("pattern_group", pattern_group, "neighbouring kernels that share a pattern and stand or fall together");
    v("connectivity_sparsity", connectivity_sparsity, below(0, 1), "share of the 3x3 kernels that go as a whole");
    v("scope", scope, "of the connectivity: the same share of each layer, or one ranking of all layers together");
    v("min_density", min_density, between(0, 1), "share of its kernels that a layer keeps at least (scope: global)");
    v("pointwise_sparsity", pointwise_sparsity, below(0, 1), "share of the 1x1 kernels that go, in the same groups");
    v("first_conv", first_conv, "the model's first convolution: keep it, patterns only, or all like the others");
    v("targets", targets, "layers to prune; all Conv with 3x3 kernels (1x1 with pointwise_sparsity) when left out");
    v("ignore", ignore, "layers to leave as they are");
  }
  /// Throws ConfigError when the two densities contradict each other.
  void check(const ConfigMark& mark, const std::string& path) const;
};

/// A weight [O, I, h, w] to prune: 3x3 kernels get patterns, and kernels may go as a whole.
struct PatternLayer {
  std::string weight;
  bool patterns = true;
  bool connectivity = true;
};

/// The weights that the target selects, in graph order. Throws ConfigError when there are none.
std::vector<PatternLayer> pattern_layers(const Model& model, const PatternTarget& target);

/// The Euclidean projections onto the two constraint sets and onto both at once, as masks: kFloat, 0 or 1, one a layer in
/// its weight's shape. All layers go together, for the sake of the global scope.
class PatternProjection {
 public:
  /// Extracts the pattern set from `weights` (one a layer).
  PatternProjection(PatternTarget target, std::vector<PatternLayer> layers, const std::vector<at::Tensor>& weights);
  /// With a set that is known already.
  PatternProjection(PatternTarget target, std::vector<PatternLayer> layers, std::vector<int64_t> patterns);

  const std::vector<PatternLayer>& layers() const { return layers_; }
  const std::vector<int64_t>& patterns() const { return patterns_; }
  /// The pattern of most energy for each group; ones for layers without patterns.
  std::vector<at::Tensor> pattern_masks(const std::vector<at::Tensor>& weights) const;
  /// The groups of most energy, as many as the budget leaves.
  std::vector<at::Tensor> connectivity_masks(const std::vector<at::Tensor>& weights) const;
  /// Both: groups are ranked by the energy that their pattern keeps.
  std::vector<at::Tensor> masks(const std::vector<at::Tensor>& weights) const;

 private:
  std::vector<at::Tensor> kept_groups(const std::vector<at::Tensor>& weights) const;

  PatternTarget target_;
  std::vector<PatternLayer> layers_;
  std::vector<int64_t> patterns_;
};

}  // namespace pare
