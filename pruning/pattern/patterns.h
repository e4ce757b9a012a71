#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "core/base/config.h"

namespace pare {

// A kernel pattern says which 4 of the 9 elements of a 3x3 kernel stay: bit i for element i, row by row. The centre,
// bit 4, always stays, which leaves 56 candidates (PatDNN, 2001.00138).

/// Neighbouring kernels that share a pattern and stand or fall together, [filters, channels]; clipped at the edges.
struct PatternGroup {
  int64_t filters = 1, channels = 1;
  template <class V>
  void fields(V& v) {
    v("filters", filters, between(1, 64), "output channels whose kernels share a pattern");
    v("channels", channels, between(1, 64), "input channels whose kernels share a pattern");
  }
};

/// All 56, ascending.
const std::vector<int64_t>& candidate_patterns();
/// The four of PCONV (1909.05073): a cross that lost one arm, as in interpolated Laplacians of Gaussians.
std::vector<int64_t> pconv_patterns();
/// [K, 9] kDouble, 0 or 1.
at::Tensor pattern_rows(const std::vector<int64_t>& patterns);

/// Squared weights summed over each group of kernels: weight [O, I, h, w] -> [groups of O, groups of I, h * w] kDouble.
at::Tensor group_energy(const at::Tensor& weight, const PatternGroup& group);
/// Inverse of the reduction: values [groups of O, groups of I, h * w or 1] repeated for the kernels of `shape`.
at::Tensor spread_groups(const at::Tensor& values, const PatternGroup& group, at::IntArrayRef shape);

/// How many groups of these 3x3 weights have each candidate for their natural pattern (the centre and the three others
/// of most energy), in the order of candidate_patterns.
std::vector<int64_t> natural_counts(const std::vector<at::Tensor>& weights, const PatternGroup& group);
/// The `count` most frequent natural patterns, most frequent first; equal ones by number.
std::vector<int64_t> frequent_patterns(const std::vector<at::Tensor>& weights, const PatternGroup& group, int64_t count);
/// Starts with all candidates and drops the one that fewest groups prefer to the others left until `count` remain
/// (2001.07710); ascending.
std::vector<int64_t> surviving_patterns(const std::vector<at::Tensor>& weights, const PatternGroup& group, int64_t count);

}  // namespace pare
