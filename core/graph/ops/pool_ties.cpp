// Windows act within a channel: batch and channels pass, spatial dims freeze. Resize passes the dims it does not scale.
#include "core/graph/ops/ties_rules.h"
#include "core/graph/surgery_cut.h"
#include "core/graph/ties_zero.h"

namespace pare {
namespace {

void pass_equal_dims(TieBuilder& ties, int64_t first, int64_t last) {
  for (int64_t d = first; d < last; ++d) {
    const AxisId in = ties.in(0, d), out = ties.out(d);
    if (ties.shape_in(0)[static_cast<size_t>(d)] != ties.shape_out()[static_cast<size_t>(d)]) {
      ties.freeze(in, "spatial");
      ties.freeze(out, "spatial");
      continue;
    }
    ties.same(in, out);
    ties.flow([=](ZeroFlow& flow) { flow.copy(out, in); });
  }
}

void pool_ties(TieBuilder& ties) {
  pass_equal_dims(ties, 0, 2);
  for (int64_t d = 2; d < ties.rank_in(0); ++d) {
    ties.freeze(ties.in(0, d), "spatial");
    ties.freeze(ties.out(d), "spatial");
  }
}

void resize_ties(TieBuilder& ties) {
  pass_equal_dims(ties, 0, ties.rank_in(0));
  if (!ties.attrs().has("sizes")) return;
  std::vector<AxisId> out;
  for (int64_t d = 0; d < ties.rank_out(); ++d) out.push_back(ties.out(d));
  ties.cut([out](NodeCut& cut) {
    auto sizes = cut.node().attrs.integers("sizes");
    for (size_t d = 0; d < out.size(); ++d)
      if (cut.touched(out[d]) && sizes[d] != -1) sizes[d] = cut.count(out[d]);
    cut.node().attrs.set("sizes", sizes);
  });
}

}  // namespace

void add_pool_ties(TieRules& rules) {
  for (const char* name : {"MaxPool", "AveragePool", "GlobalAveragePool"}) rules[name] = pool_ties;
  rules["Resize"] = resize_ties;
}

}  // namespace pare
