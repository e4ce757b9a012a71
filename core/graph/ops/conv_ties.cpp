// Conv: weight rows make output channels, weight columns read input channels. With groups, both channel dims are
// products with the group count as the shared outer factor; depthwise needs no case of its own, since factors of size 1
// drop out of a product.
#include <algorithm>

#include "core/graph/ops/ties_rules.h"
#include "core/graph/surgery_cut.h"
#include "core/graph/ties_zero.h"

namespace pare {
namespace {

void freeze_window(TieBuilder& ties) {
  for (int64_t d = 2; d < ties.rank_out(); ++d) {
    ties.freeze(ties.in(0, d), "spatial");
    ties.freeze(ties.out(d), "spatial");
    ties.freeze(ties.in(1, d), "kernel");
  }
}

// Ties in, weight and out channels; returns the axis of groups. One group is the same case: its factor drops out.
AxisId tie_channels(TieBuilder& ties, bool transposed) {
  const int64_t group = ties.attrs().integer("group", 1);
  const AxisId in = ties.in(0, 1), out = ties.out(1);
  const AxisId leading = ties.in(1, 0), second = ties.in(1, 1);
  const AxisId groups = ties.virtual_axis(group), per_group = ties.virtual_axis(ties.size(leading) / group);
  ties.same(transposed ? in : out, leading);
  ties.product(in, {groups, transposed ? per_group : second}, ProductKind::kGroups);
  ties.product(out, {groups, transposed ? second : per_group}, ProductKind::kGroups);
  ties.cut([groups](NodeCut& cut) {
    if (cut.touched(groups)) cut.node().attrs.set("group", cut.count(groups));
  });
  return groups;
}

void conv_ties(TieBuilder& ties, bool transposed) {
  const AxisId batch_in = ties.in(0, 0), batch_out = ties.out(0);
  ties.same(batch_in, batch_out);
  freeze_window(ties);
  const AxisId groups = tie_channels(ties, transposed);
  const AxisId in = ties.in(0, 1), out = ties.out(1);
  const AxisId rows = ties.in(1, transposed ? 1 : 0), columns = ties.in(1, transposed ? 0 : 1);
  const bool bias = ties.has_input(2);
  const AxisId bias_axis = bias ? ties.in(2, 0) : kNoAxis;
  if (bias) ties.same(out, bias_axis);
  ties.consumes(columns);
  const int64_t repeat = ties.size(out) / std::max<int64_t>(1, ties.size(rows));
  ties.flow([=](ZeroFlow& flow) {
    const bool whole_groups = !flow.frozen(groups);
    if (!whole_groups || transposed)  // otherwise a removed group takes its rows along
      flow.need(in, columns, "columns of a convolution that cannot be zeroed");
    auto to = flow.bits(out);
    const auto row = flow.bits(rows), shift = flow.bits(bias_axis);
    for (size_t i = 0; i < to.size(); ++i) {
      const bool row_zero = row.empty() ? whole_groups : row[repeat > 1 ? i % row.size() : i] != 0;
      to[i] = row_zero && (!bias || (!shift.empty() && shift[i]));
    }
  });
}

}  // namespace

void add_conv_ties(TieRules& rules) {
  rules["Conv"] = [](TieBuilder& ties) { conv_ties(ties, false); };
  rules["ConvTranspose"] = [](TieBuilder& ties) { conv_ties(ties, true); };
}

}  // namespace pare
