// A product sums over k: where its input is not zero, the columns of a constant side have to be.
#include <algorithm>

#include "core/graph/ops/ties_rules.h"
#include "core/graph/ties_zero.h"

namespace pare {
namespace {

constexpr const char* kWhy = "a product of activations that are not zero";

void tie_inner(TieBuilder& ties, AxisId a, AxisId b) {
  ties.same(a, b);
  const bool left = ties.is_constant(0), right = ties.is_constant(1);
  if (left) ties.consumes(a);
  if (right) ties.consumes(b);
  ties.flow([=](ZeroFlow& flow) {
    if (right) flow.need(a, b, kWhy);
    else if (left) flow.need(b, a, kWhy);
    else flow.need_either(a, b, kWhy);
  });
}

void gemm_ties(TieBuilder& ties) {
  const int64_t trans_a = ties.attrs().integer("transA", 0) != 0, trans_b = ties.attrs().integer("transB", 0) != 0;
  const AxisId m = ties.in(0, trans_a), n = ties.in(1, 1 - trans_b);
  tie_inner(ties, ties.in(0, 1 - trans_a), ties.in(1, trans_b));
  ties.same(m, ties.out(0));
  ties.same(n, ties.out(1));
  std::vector<AxisId> rows{m}, columns{n};
  if (ties.has_input(2)) {
    const auto bias = tie_broadcast(ties, 2);
    rows.push_back(bias[0]);
    columns.push_back(bias[1]);
  }
  const AxisId out_m = ties.out(0), out_n = ties.out(1);
  ties.flow([=](ZeroFlow& flow) {
    flow.all_of(out_m, rows);
    flow.all_of(out_n, columns);
  });
}

// Leading dims broadcast; a zero on either side is enough.
void tie_batch(TieBuilder& ties, int64_t batch_a, int64_t batch_b) {
  const int64_t batch = std::max(batch_a, batch_b);
  for (int64_t d = 0; d < batch; ++d) {
    const AxisId out = ties.out(d);
    std::vector<AxisId> sides;
    for (size_t i = 0; i < 2; ++i) {
      const int64_t mine = d - (batch - (i == 0 ? batch_a : batch_b));
      if (mine < 0 || ties.shape_in(i)[static_cast<size_t>(mine)] != ties.shape_out()[static_cast<size_t>(d)]) continue;
      sides.push_back(ties.in(i, mine));
      ties.same(sides.back(), out);
    }
    ties.flow([=](ZeroFlow& flow) { flow.any_of(out, sides); });
  }
}

void matmul_ties(TieBuilder& ties) {
  const int64_t a = ties.rank_in(0), b = ties.rank_in(1);
  tie_inner(ties, ties.in(0, -1), ties.in(1, b == 1 ? 0 : -2));
  tie_batch(ties, std::max<int64_t>(0, a - 2), std::max<int64_t>(0, b - 2));
  const auto through = [&ties](AxisId in, AxisId out) {
    ties.same(in, out);
    ties.flow([=](ZeroFlow& flow) { flow.copy(out, in); });
  };
  if (a > 1) through(ties.in(0, -2), ties.out(b == 1 ? -1 : -2));
  if (b > 1) through(ties.in(1, -1), ties.out(-1));
}

}  // namespace

void add_matmul_ties(TieRules& rules) {
  rules["Gemm"] = gemm_ties;
  rules["MatMul"] = matmul_ties;
}

}  // namespace pare
