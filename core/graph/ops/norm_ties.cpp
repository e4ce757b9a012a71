// Normalisation over other dims than the channels keeps units exact once scale and bias are zero. Over the pruned dim:
// RMSNorm is exact with scale * sqrt(C / C') and epsilon * C / C'; LayerNorm subtracts a mean and is not.
#include <cmath>

#include "core/graph/ops/ties_rules.h"
#include "core/graph/surgery_cut.h"
#include "core/graph/ties_zero.h"

namespace pare {
namespace {

// x, scale and bias (and running statistics) per channel.
void per_channel_ties(TieBuilder& ties) {
  tie_through(ties, false);
  const AxisId out = ties.out(1), scale = ties.in(1, 0), bias = ties.in(2, 0);
  for (size_t i = 1; i < ties.node().inputs.size(); ++i) ties.same(ties.in(i, 0), out);
  ties.flow([=](ZeroFlow& flow) { flow.all_of(out, {scale, bias}); });
}

void group_ties(TieBuilder& ties) {
  per_channel_ties(ties);
  const int64_t count = ties.attrs().integer("num_groups");
  const AxisId groups = ties.virtual_axis(count);
  const AxisId channels = ties.virtual_axis(ties.size(ties.out(1)) / count);
  ties.freeze(channels, "statistics over the group");
  ties.product(ties.out(1), {groups, channels}, ProductKind::kGroups);
  ties.cut([groups](NodeCut& cut) {
    if (cut.touched(groups)) cut.node().attrs.set("num_groups", cut.count(groups));
  });
}

void layer_norm_ties(TieBuilder& ties) {
  tie_through(ties, false);
  const int64_t first = wrapped(ties.attrs().integer("axis", -1), ties.rank_in(0));
  for (int64_t d = first; d < ties.rank_in(0); ++d) {
    const AxisId in = ties.in(0, d), out = ties.out(d);
    std::vector<AxisId> affine;
    for (size_t i = 1; i < ties.node().inputs.size(); ++i)
      if (ties.has_input(i)) ties.same(affine.emplace_back(ties.in(i, d - first)), out);
    ties.flow([=](ZeroFlow& flow) {
      flow.inexact(in, "LayerNorm over the dim");
      flow.all_of(out, affine);
    });
  }
}

void rms_norm_ties(TieBuilder& ties) {
  tie_through(ties, true);
  const int64_t first = wrapped(ties.attrs().integer("axis", -1), ties.rank_in(0));
  std::vector<AxisId> over;
  for (int64_t d = first; d < ties.rank_in(0); ++d) {
    const AxisId in = ties.in(0, d), out = ties.out(d), scale = ties.in(1, d - first);
    over.push_back(in);
    ties.same(scale, out);
    ties.flow([=](ZeroFlow& flow) {
      flow.compensate(in, "RMSNorm over the dim");
      flow.any_of(out, {in, scale});
    });
  }
  ties.cut([over](NodeCut& cut) {
    double ratio = 1.0;
    for (AxisId axis : over)
      if (cut.touched(axis)) ratio *= static_cast<double>(cut.old_count(axis)) / static_cast<double>(cut.count(axis));
    if (ratio == 1.0) return;
    cut.node().attrs.set("epsilon", cut.node().attrs.number("epsilon", 1e-5) * ratio);
    cut.scale_input(1, std::sqrt(ratio));
  });
}

}  // namespace

void add_norm_ties(TieRules& rules) {
  rules["BatchNormalization"] = per_channel_ties;
  rules["InstanceNormalization"] = per_channel_ties;
  rules["GroupNormalization"] = group_ties;
  rules["LayerNormalization"] = layer_norm_ties;
  rules["RMSNormalization"] = rms_norm_ties;
}

}  // namespace pare
