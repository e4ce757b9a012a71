#include "core/graph/ops/ties_rules.h"

#include "core/graph/ties_zero.h"

namespace pare {

TieRules builtin_tie_rules() {
  TieRules rules;
  add_activation_ties(rules);
  add_conv_ties(rules);
  add_elementwise_ties(rules);
  add_matmul_ties(rules);
  add_movement_ties(rules);
  add_norm_ties(rules);
  add_pool_ties(rules);
  add_quant_ties(rules);
  add_reduce_ties(rules);
  add_shape_ties(rules);
  add_slice_ties(rules);
  return rules;
}

void tie_through(TieBuilder& ties, bool zeros) {
  for (int64_t d = 0; d < ties.rank_out(); ++d) {
    const AxisId in = ties.in(0, d), out = ties.out(d);
    ties.same(in, out);
    if (zeros) ties.flow([in, out](ZeroFlow& flow) { flow.copy(out, in); });
  }
}

std::vector<AxisId> tie_broadcast(TieBuilder& ties, size_t i) {
  const int64_t rank = ties.rank_out(), missing = rank - ties.rank_in(i);
  std::vector<AxisId> axes(static_cast<size_t>(rank), kNoAxis);
  for (int64_t d = missing; d < rank; ++d) {
    const Dim& mine = ties.shape_in(i)[static_cast<size_t>(d - missing)];
    if (mine != ties.shape_out()[static_cast<size_t>(d)]) continue;  // 1 against n: no tie
    axes[static_cast<size_t>(d)] = ties.in(i, d - missing);
    ties.same(axes[static_cast<size_t>(d)], ties.out(d));
  }
  return axes;
}

}  // namespace pare
