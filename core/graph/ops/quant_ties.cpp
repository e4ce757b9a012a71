// Scales and zero points follow the dim they belong to. Fake quantization maps zero to zero exactly; between
// QuantizeLinear and DequantizeLinear zero is the zero point, so nothing is claimed there.
#include "core/graph/ops/ties_rules.h"

namespace pare {
namespace {

void quant_ties(TieBuilder& ties, bool zeros, int64_t default_axis) {
  tie_through(ties, zeros);
  for (size_t i = 1; i < ties.node().inputs.size(); ++i) {
    if (!ties.has_input(i) || ties.rank_in(i) == 0 || ties.size(ties.in(i, 0)) == 1) continue;
    ties.same(ties.in(i, 0), ties.out(ties.attrs().integer("axis", default_axis)));
  }
}

}  // namespace

void add_quant_ties(TieRules& rules) {
  rules["pare.FakeQuant"] = [](TieBuilder& ties) { quant_ties(ties, true, -1); };
  rules["QuantizeLinear"] = [](TieBuilder& ties) { quant_ties(ties, false, 1); };
  rules["DequantizeLinear"] = [](TieBuilder& ties) { quant_ties(ties, false, 1); };
}

}  // namespace pare
