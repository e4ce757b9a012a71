#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <variant>
#include <vector>

#include "core/base/config.h"
#include "core/graph/ties.h"
#include "core/model/model.h"

namespace pare {

/// Magnitude of a unit: the norm over all its trained slices, producers and consumers (DepGraph, 2301.12900).
struct NormCriterion {
  static constexpr const char* kName = "norm";
  int64_t p = 2;
  template <class V>
  void fields(V& v) {
    v("p", p, between(1, 2), "1: sum of magnitudes, 2: Euclidean");
  }
};

/// Taylor importance of a unit (Molchanov et al., 1906.10771): the loss change |d| that its removal makes, d = -w.g
/// over its producer slices, and in second order d = -w.g + (w.g)^2 / 2 with the squared gradient for the curvature;
/// mean over the batches. Needs gradients: the stage runs `batches` backward passes first; inside training the last
/// step's serve.
struct TaylorCriterion {
  static constexpr const char* kName = "taylor";
  int64_t order = 1, batches = 8, batch_size = 128;
  template <class V>
  void fields(V& v) {
    v("order", order, between(1, 2), "of the expansion");
    v("batches", batches, at_least(1), "backward passes to average");
    v("batch_size", batch_size, at_least(1), "images a pass");
  }
};

/// Optimal brain damage (LeCun et al., 1989): sum of w^2 h / 2 over a unit's producer slices, h the diagonal of the
/// Hessian estimated by the mean squared gradient (empirical Fisher) of the batches.
struct HessianCriterion {
  static constexpr const char* kName = "hessian";
  int64_t batches = 8, batch_size = 32;
  template <class V>
  void fields(V& v) {
    v("batches", batches, at_least(1), "backward passes to average");
    v("batch_size", batch_size, at_least(1), "images a pass; fewer make a better estimate a pass");
  }
};

/// Network slimming (1708.06519): mean |gamma| of the BatchNorms that a unit passes.
struct BnScaleCriterion {
  static constexpr const char* kName = "bn_scale";
  template <class V>
  void fields(V&) {}
};

/// Filter pruning via the geometric median (1811.00250): sum of a unit's distances from all units of its group; those
/// near the median can be made up for by others.
struct FpgmCriterion {
  static constexpr const char* kName = "fpgm";
  template <class V>
  void fields(V&) {}
};

/// Uniform random scores: the baseline that any criterion has to beat.
struct RandomCriterion {
  static constexpr const char* kName = "random";
  int64_t seed = 0;
  template <class V>
  void fields(V& v) {
    v("seed", seed, at_least(0), "of the scores");
  }
};

using CriterionConfig =
    std::variant<NormCriterion, TaylorCriterion, HessianCriterion, BnScaleCriterion, FpgmCriterion, RandomCriterion>;

/// Where a criterion's gradients come from: `run(i)` leaves those of batch i, and nothing else, in the parameters'
/// `.grad`. Without `run` they are there already.
struct GradientPasses {
  int64_t count = 1;
  std::function<void(int64_t pass)> run;
};

/// One score per unit of all groups (index = unit), larger = more important; 0 in groups that are not `allowed` (by
/// group). Throws ModelError when the criterion needs a gradient that is not there, ConfigError for a group without
/// BatchNorm.
std::vector<double> score_units(const CriterionConfig& criterion, const DimGroups& groups,
                                const std::vector<bool>& allowed, Model& model, const GradientPasses& passes = {});

/// How scores of different groups become comparable.
enum class ScoreNormalization { kNone, kGroupMean, kLamp };
template <>
struct EnumNames<ScoreNormalization> {
  static constexpr std::pair<ScoreNormalization, const char*> kNames[] = {
      {ScoreNormalization::kNone, "none"},
      {ScoreNormalization::kGroupMean, "group_mean"},
      {ScoreNormalization::kLamp, "lamp"}};
};
enum class SparsityScope { kLayer, kGlobal };
template <>
struct EnumNames<SparsityScope> {
  static constexpr std::pair<SparsityScope, const char*> kNames[] = {{SparsityScope::kLayer, "layer"},
                                                                     {SparsityScope::kGlobal, "global"}};
};

/// kGroupMean divides by the group's mean; kLamp (2010.07611) squares and divides by the sum of squares of the units of
/// the group that score as high or higher. kLayer then replaces scores by ranks, so that each group loses the same
/// share.
void normalize_scores(std::vector<double>& scores, const DimGroups& groups, ScoreNormalization normalization,
                      SparsityScope scope);

}  // namespace pare
