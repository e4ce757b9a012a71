#include "core/graph/ops/ties_rules.h"

#include "core/graph/ties_zero.h"

namespace pare {

void set_ties(OpTable& ops, const char* name, std::function<void(TieBuilder&)> rule) {
  if (!ops.find(name)) return;
  OpDef def = ops.get(name);
  def.ties = std::move(rule);
  ops.add(std::move(def));
}

void add_tie_rules(OpTable& ops) {
  add_activation_ties(ops);
  add_conv_ties(ops);
  add_elementwise_ties(ops);
  add_matmul_ties(ops);
  add_movement_ties(ops);
  add_norm_ties(ops);
  add_pool_ties(ops);
  add_quant_ties(ops);
  add_reduce_ties(ops);
  add_shape_ties(ops);
  add_slice_ties(ops);
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
