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
  void fields(V& v) { v("p", p, between(1, 2), "1: sum of magnitudes, 2: Euclidean"); }
};

/// First-order Taylor importance: |sum over the unit's producer slices of w * dL/dw| (Molchanov et al., 1906.10771).
/// Needs gradients: the stage runs `batches` backward passes first; inside training the last step's gradients serve.
struct TaylorCriterion {
  static constexpr const char* kName = "taylor";
  int64_t batches = 8;
  int64_t batch_size = 128;
  template <class V>
  void fields(V& v) {
    v("batches", batches, at_least(1), "backward passes to average");
    v("batch_size", batch_size, at_least(1), "images a pass");
  }
};

/// Uniform random scores: the baseline that any criterion has to beat.
struct RandomCriterion {
  static constexpr const char* kName = "random";
  int64_t seed = 0;
  template <class V>
  void fields(V& v) { v("seed", seed, at_least(0), "of the scores"); }
};

using CriterionConfig = std::variant<NormCriterion, TaylorCriterion, RandomCriterion>;

/// Sum over a unit's slices of `value(param)`, a tensor of the parameter's shape; [units of the group], fp64.
/// `consumers`: count the reading columns too. State slices (running statistics) never count.
std::vector<double> unit_sums(const DimGroups& groups, const DimGroup& group, bool consumers,
                              const std::function<at::Tensor(const std::string& param)>& value);

/// One score per unit of all groups (index = unit), larger = more important. Throws ModelError when the criterion needs
/// a gradient that is not there.
std::vector<double> score_units(const CriterionConfig& criterion, const DimGroups& groups, Model& model);

}  // namespace pare
