// Dims that stay are tied. Over a pruned dim a sum is exact once the cells are zero, a mean with the factor C' / C,
// a maximum or minimum is not (it would see the zeros).
#include <algorithm>

#include "core/graph/ops/ties_rules.h"
#include "core/graph/surgery_cut.h"
#include "core/graph/ties_zero.h"

namespace pare {
namespace {

// Ties the dims that stay and returns the axes that go.
std::vector<AxisId> tie_kept(TieBuilder& ties, std::vector<int64_t> axes, bool zeros) {
  const int64_t rank = ties.rank_in(0);
  const bool keep = ties.attrs().integer("keepdims", 1) != 0;
  for (int64_t& axis : axes) axis = wrapped(axis, rank);
  std::vector<AxisId> over;
  int64_t to = 0;
  for (int64_t d = 0; d < rank; ++d) {
    const AxisId in = ties.in(0, d);
    if (std::find(axes.begin(), axes.end(), d) != axes.end()) {
      ties.leave(in);
      over.push_back(in);
      to += keep;
      continue;
    }
    const AxisId out = ties.out(to++);
    ties.same(in, out);
    if (zeros) ties.flow([=](ZeroFlow& flow) { flow.copy(out, in); });
  }
  return over;
}

std::vector<AxisId> tie_reduced(TieBuilder& ties) {
  auto axes = ties.attrs().integers("axes", {});
  if (axes.empty())
    for (int64_t d = 0; d < ties.rank_in(0); ++d) axes.push_back(d);
  return tie_kept(ties, axes, true);
}

void mean_ties(TieBuilder& ties) {
  const auto over = tie_reduced(ties);
  ties.flow([=](ZeroFlow& flow) {
    for (AxisId axis : over) flow.compensate(axis, "mean over the dim");
  });
  ties.cut([over](NodeCut& cut) {
    double ratio = 1.0;
    for (AxisId axis : over)
      if (cut.touched(axis)) ratio *= static_cast<double>(cut.count(axis)) / static_cast<double>(cut.old_count(axis));
    if (ratio != 1.0) cut.scale_input(0, ratio);
  });
}

void sum_ties(TieBuilder& ties) {
  ties.flow([over = tie_reduced(ties)](ZeroFlow& flow) {
    for (AxisId axis : over) flow.need(axis, kNoAxis, "a sum of what is not zero");
  });
}

void extremum_ties(TieBuilder& ties) {
  ties.flow([over = tie_reduced(ties)](ZeroFlow& flow) {
    for (AxisId axis : over) flow.inexact(axis, "maximum or minimum over the dim");
  });
}

void arg_max_ties(TieBuilder& ties) {
  for (AxisId axis : tie_kept(ties, {ties.attrs().integer("axis", 0)}, false)) ties.freeze(axis, "cells are numbered");
}

}  // namespace

void add_reduce_ties(TieRules& rules) {
  rules["ReduceMean"] = mean_ties;
  rules["ReduceSum"] = sum_ties;
  rules["ReduceMax"] = extremum_ties;
  rules["ReduceMin"] = extremum_ties;
  rules["ArgMax"] = arg_max_ties;
}

}  // namespace pare
