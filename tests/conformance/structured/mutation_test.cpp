// Wrong tie rules must be noticed: each mutant replaces one rule, and some structure or random graph has to fail.
#include <gtest/gtest.h>

#include "core/graph/ops/ties_rules.h"
#include "core/graph/surgery_cut.h"
#include "core/graph/ties_zero.h"
#include "tests/conformance/structured/oracle.h"
#include "tests/conformance/structured/random_graph.h"
#include "tests/conformance/structured/structures.h"

namespace pare::test {
namespace {

using Rule = std::function<void(TieBuilder&)>;

struct Mutant {
  const char* what;
  const char* op;
  Rule rule;
};

// The right rules pass all of this: see the tests of structures and of random graphs.
bool noticed(const OpTable& ops) {
  for (const auto& structure : all_structures()) {
    Net net(ops, 7);
    OracleOptions options;
    options.policy = structure.policy;
    options.singles = 8;
    const OracleResult result = check_ties(structure.build(net), ops, options);
    if (!result.problem.empty() || result.units != structure.units || result.exact != structure.exact) return true;
  }
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    OracleOptions options;
    options.singles = 4;
    options.seed = seed;
    if (!check_ties(random_graph(ops, seed, 14), ops, options).problem.empty()) return true;
  }
  return false;
}

void tie_operands(TieBuilder& ties) {
  for (size_t i = 0; i < ties.node().inputs.size(); ++i) tie_broadcast(ties, i);
}

// Sums count as zero where any term is.
void zero_if_any(TieBuilder& ties) {
  std::vector<std::vector<AxisId>> operands;
  for (size_t i = 0; i < 2; ++i) operands.push_back(tie_broadcast(ties, i));
  for (size_t d = 0; d < operands[0].size(); ++d) {
    const AxisId out = ties.out(static_cast<int64_t>(d));
    ties.flow([=](ZeroFlow& flow) { flow.any_of(out, {operands[0][d], operands[1][d]}); });
  }
}

void norm_without_bias(TieBuilder& ties) {
  tie_through(ties, false);
  for (size_t i = 1; i < ties.node().inputs.size(); ++i) ties.same(ties.in(i, 0), ties.out(1));
  const AxisId out = ties.out(1), scale = ties.in(1, 0);
  ties.flow([=](ZeroFlow& flow) { flow.copy(out, scale); });
}

void group_norm_by_channel(TieBuilder& ties) {
  norm_without_bias(ties);
  const AxisId out = ties.out(1), bias = ties.in(2, 0);
  ties.flow([=](ZeroFlow& flow) { flow.copy(out, bias); });
}

void trailing_norm(TieBuilder& ties, bool claim_zero) {
  tie_through(ties, claim_zero);
  for (size_t i = 1; i < ties.node().inputs.size(); ++i) ties.same(ties.in(i, 0), ties.out(-1));
  const AxisId out = ties.out(-1);
  ties.flow([=](ZeroFlow& flow) { flow.fill(out, true); });
}

void shifted_concat(TieBuilder& ties) {
  const int64_t axis = ties.attrs().integer("axis");
  for (int64_t d = 0; d < ties.rank_out(); ++d) {
    int64_t first = 0;
    for (size_t i = ties.node().inputs.size(); i-- > 0;) {  // parts in the wrong order
      if (d != axis) ties.same(ties.in(i, d), ties.out(d));
      else ties.map({ties.in(i, d), 0, ties.out(d), first, ties.size(ties.in(i, d))});
      first += ties.size(ties.in(i, d));
    }
  }
}

void stuck_split(TieBuilder& ties) {  // sizes are not adjusted
  const int64_t axis = wrapped(ties.attrs().integer("axis", 0), ties.rank_in(0));
  int64_t first = 0;
  for (size_t i = 0; i < ties.node().outputs.size(); ++i) {
    for (int64_t d = 0; d < ties.rank_in(0); ++d) {
      if (d != axis) ties.same(ties.in(0, d), ties.out(d, i));
      else ties.map({ties.in(0, d), first, ties.out(d, i), 0, ties.size(ties.out(d, i))});
    }
    first += ties.size(ties.out(axis, i));
  }
}

void swapped_transpose(TieBuilder& ties) {
  for (int64_t d = 0; d < ties.rank_in(0); ++d) ties.same(ties.in(0, d), ties.out(d));
}

void zero_pad(TieBuilder& ties, bool fix_pads) {
  std::vector<AxisId> outs;
  const auto pads = ties.attrs().integers("pads");
  for (int64_t d = 0; d < ties.rank_in(0); ++d) {
    const AxisId out = outs.emplace_back(ties.out(d));
    const TieRun run{ties.in(0, d), 0, out, pads[static_cast<size_t>(d)], ties.size(ties.in(0, d))};
    if (ties.size(out) > 0) ties.map(run);
    else ties.same(run.a, out);
    ties.flow([=](ZeroFlow& flow) {
      flow.fill(out, true);  // whatever the value is
      flow.map(run);
    });
  }
  if (!fix_pads) return;
  ties.cut([outs, pads](NodeCut& cut) {
    auto fixed = pads;
    for (size_t d = 0; d < outs.size(); ++d) {
      const auto kept = cut.kept(outs[d]);
      const int64_t last = cut.old_count(outs[d]) - pads[d + outs.size()];
      if (cut.old_count(outs[d]) < 0) continue;
      fixed[d] = std::lower_bound(kept.begin(), kept.end(), pads[d]) - kept.begin();
      fixed[d + outs.size()] = kept.end() - std::lower_bound(kept.begin(), kept.end(), last);
    }
    cut.node().attrs.set("pads", fixed);
  });
}

void plain_mean(TieBuilder& ties) {  // the divisor is forgotten
  const auto axes = ties.attrs().integers("axes");
  for (int64_t d = 0; d < ties.rank_in(0); ++d) {
    if (std::find(axes.begin(), axes.end(), d) == axes.end()) ties.same(ties.in(0, d), ties.out(d));
    else ties.leave(ties.in(0, d));
  }
}

void grouped_as_dense(TieBuilder& ties) {  // every group's channels tied by position
  const AxisId in = ties.in(0, 1), out = ties.out(1);
  for (int64_t d = 2; d < 4; ++d) {
    ties.freeze(ties.in(0, d), "spatial");
    ties.freeze(ties.out(d), "spatial");
    ties.freeze(ties.in(1, d), "kernel");
  }
  ties.same(ties.in(0, 0), ties.out(0));
  ties.same(out, ties.in(1, 0));
  ties.leave(in);
  ties.leave(ties.in(1, 1));
  if (ties.attrs().integer("group", 1) == 1) ties.same(in, ties.in(1, 1));
  if (ties.has_input(2)) ties.same(out, ties.in(2, 0));
  ties.flow([out](ZeroFlow& flow) { flow.fill(out, true); });
}

void columns_without_need(TieBuilder& ties) {
  ties.same(ties.in(0, 1), ties.in(1, 1));
  ties.same(ties.in(0, 0), ties.out(0));
  ties.same(ties.in(1, 0), ties.out(1));
  if (ties.has_input(2)) ties.same(ties.in(2, 0), ties.out(1));
  ties.consumes(ties.in(1, 1));
  const AxisId out = ties.out(1);
  ties.flow([out](ZeroFlow& flow) { flow.fill(out, true); });
}

void product_without_batch(TieBuilder& ties) {
  ties.same(ties.in(0, -1), ties.in(1, ties.rank_in(1) == 1 ? 0 : -2));
  ties.same(ties.in(0, -2), ties.out(-2));
  ties.same(ties.in(1, -1), ties.out(-1));
  for (int64_t d = 0; d + 2 < ties.rank_in(0); ++d) ties.leave(ties.in(0, d));
  for (int64_t d = 0; d + 2 < ties.rank_in(1); ++d) ties.leave(ties.in(1, d));
  for (int64_t d = 0; d + 2 < ties.rank_out(); ++d) ties.leave(ties.out(d));
}

void blocks_last(TieBuilder& ties) {  // DCR taken for CRD and the other way round
  for (int64_t d : {2, 3}) {
    ties.freeze(ties.in(0, d), "spatial");
    ties.freeze(ties.out(d), "spatial");
  }
  ties.same(ties.in(0, 0), ties.out(0));
  const int64_t block = ties.attrs().integer("blocksize");
  const AxisId cells = ties.virtual_axis(block * block), in = ties.in(0, 1), out = ties.out(1);
  ties.freeze(cells, "block");
  const bool swap = ties.attrs().text("mode", "DCR") == "CRD";
  ties.product(in, swap ? std::vector{cells, out} : std::vector{out, cells}, ProductKind::kReshape);
  ties.flow([=](ZeroFlow& flow) { flow.reshape({out}, {in}); });
}

std::vector<Mutant> mutants() {
  const Rule keep_zero = [](TieBuilder& ties) { tie_through(ties, true); };
  return {
      {"sigmoid keeps zeros", "Sigmoid", keep_zero},
      {"relu is an unknown operator", "Relu", [](TieBuilder& ties) { ties.freeze_all("an operator without a rule"); }},
      {"softmax over channels is exact", "Softmax", keep_zero},
      {"a sum is zero where any term is", "Add", zero_if_any},
      {"a sum ties nothing that it broadcasts", "Add", [](TieBuilder& ties) { tie_broadcast(ties, 0); }},
      {"a product needs all factors zero", "Mul", tie_operands},
      {"batch norm is zero with its scale", "BatchNormalization", norm_without_bias},
      {"batch norm keeps zeros", "BatchNormalization",
       [](TieBuilder& ties) {
         tie_through(ties, true);
         for (size_t i = 1; i < 5; ++i) ties.leave(ties.in(i, 0));
       }},
      {"group norm by channel", "GroupNormalization", group_norm_by_channel},
      {"instance norm is zero with its scale", "InstanceNormalization", norm_without_bias},
      {"layer norm is exact", "LayerNormalization", [](TieBuilder& ties) { trailing_norm(ties, true); }},
      {"rms norm without its factor", "RMSNormalization", [](TieBuilder& ties) { trailing_norm(ties, true); }},
      {"concat in the wrong order", "Concat", shifted_concat},
      {"split keeps its sizes", "Split", stuck_split},
      {"transpose ties like a copy", "Transpose", swapped_transpose},
      {"pad cells are always zero", "Pad", [](TieBuilder& ties) { zero_pad(ties, true); }},
      {"pads are not adjusted", "Pad", [](TieBuilder& ties) { zero_pad(ties, false); }},
      {"mean without its factor", "ReduceMean", plain_mean},
      {"maximum over channels is a sum", "ReduceMax", plain_mean},
      {"groups are ignored", "Conv", grouped_as_dense},
      {"gemm columns never have to be zero", "Gemm", columns_without_need},
      {"matmul without batch dims", "MatMul", product_without_batch},
      {"depth to space in the other mode", "DepthToSpace", blocks_last},
      {"clip keeps zeros", "Clip", keep_zero},
      {"slice ties like a copy", "Slice",
       [](TieBuilder& ties) {
         for (int64_t d = 0; d < ties.rank_in(0); ++d)
           if (ties.shape_in(0)[static_cast<size_t>(d)] == ties.shape_out()[static_cast<size_t>(d)])
             ties.same(ties.in(0, d), ties.out(d));
           else
             ties.leave(ties.in(0, d)), ties.leave(ties.out(d));
       }},
      {"gather is not renumbered", "Gather",
       [](TieBuilder& ties) {
         for (int64_t d = 0; d < ties.rank_in(0); ++d) ties.leave(ties.in(0, d));
         for (int64_t d = 0; d < ties.rank_out(); ++d) ties.leave(ties.out(d));
       }},
  };
}

TEST(Mutations, EveryWrongRuleIsNoticed) {
  for (const auto& mutant : mutants()) {
    OpTable ops = builtin_ops();
    OpDef def = ops.get(mutant.op);
    def.ties = mutant.rule;
    ops.add(std::move(def));
    EXPECT_TRUE(noticed(ops)) << mutant.what;
  }
}

}  // namespace
}  // namespace pare::test
