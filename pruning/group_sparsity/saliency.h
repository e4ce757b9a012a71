#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/base/config.h"
#include "pruning/criteria/criterion.h"
#include "pruning/group_sparsity/unit_table.h"

namespace pare {

/// Weights of the five measures of HESSO's importance (2409.09085); x are a unit's weights, g their gradient.
struct SaliencyMix {
  double magnitude = 0.2, average = 0.2, cosine = 0.2, taylor1 = 0.2, taylor2 = 0.2;
  template <class V>
  void fields(V& v) {
    v("magnitude", magnitude, at_least(0), "weight of |x|");
    v("average", average, at_least(0), "weight of |x| over the number of elements");
    v("cosine", cosine, at_least(0),
      "weight of cos(x, g) with its sign turned so that units that grow count more, plus 1");
    v("taylor1", taylor1, at_least(0), "weight of the first-order loss change |x.g|");
    v("taylor2", taylor2, at_least(0), "weight of the second-order loss change (x.g)^2 / 2");
  }
};

/// Sums that every measure is made of, by unit: [units] fp64.
struct UnitMoments {
  at::Tensor xx, gg, xg, sizes;
};
UnitMoments unit_moments(const UnitTable& table, const UnitTable::TensorOf& x, const UnitTable::TensorOf& g);

/// Importance of each unit, >= 0, larger = keep; index = unit. Units without elements get 0. Before it is weighted, each
/// measure is divided by its Euclidean norm over all units (kNone, as in the paper), or made comparable between groups.
std::vector<double> importance(const SaliencyMix& mix, const UnitMoments& moments, const DimGroups& groups,
                               ScoreNormalization normalization);

}  // namespace pare
