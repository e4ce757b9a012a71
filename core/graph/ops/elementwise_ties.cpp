// Operands are tied where their dims reach the output's; one against n is no tie. A sum is zero where all terms are,
// a product where any factor is. A divisor must never be zeroed: its dims freeze.
#include "core/graph/ops/ties_rules.h"
#include "core/graph/ties_zero.h"

namespace pare {
namespace {

enum class Zero { kAll, kAny, kNever };

void broadcast_ties(TieBuilder& ties, size_t first, Zero zero) {
  const auto rank = static_cast<size_t>(ties.rank_out());
  std::vector<std::vector<AxisId>> operands(rank);
  for (size_t i = 0; i < ties.node().inputs.size(); ++i) {
    const auto axes = tie_broadcast(ties, i);
    for (size_t d = 0; d < rank && i >= first; ++d) operands[d].push_back(axes[d]);
  }
  for (size_t d = 0; d < rank && zero != Zero::kNever; ++d) {
    const AxisId out = ties.out(static_cast<int64_t>(d));
    ties.flow([=, in = operands[d]](ZeroFlow& flow) { zero == Zero::kAll ? flow.all_of(out, in) : flow.any_of(out, in); });
  }
}

// Only the left side may shrink, and zero stays zero if `zeros`.
void left_ties(TieBuilder& ties, bool zeros, const char* why) {
  const auto left = tie_broadcast(ties, 0);
  for (AxisId axis : tie_broadcast(ties, 1))
    if (axis != kNoAxis) ties.freeze(axis, why);
  for (size_t d = 0; d < left.size() && zeros; ++d) {
    const AxisId in = left[d], out = ties.out(static_cast<int64_t>(d));
    ties.flow([=](ZeroFlow& flow) { flow.all_of(out, {in}); });
  }
}

void pow_ties(TieBuilder& ties) {
  const Tensor* exponent = ties.constant(1);
  const bool zeros = exponent && exponent->numel() == 1 && exponent->to_doubles()[0] > 0.0;
  left_ties(ties, zeros, "exponent");
}

}  // namespace

void add_elementwise_ties(TieRules& rules) {
  for (const char* name : {"Add", "Sub", "Min", "Max"})
    rules[name] = [](TieBuilder& ties) { broadcast_ties(ties, 0, Zero::kAll); };
  rules["Mul"] = [](TieBuilder& ties) { broadcast_ties(ties, 0, Zero::kAny); };
  rules["Where"] = [](TieBuilder& ties) { broadcast_ties(ties, 1, Zero::kAll); };
  for (const char* name : {"Equal", "Less", "Greater", "And", "Or", "Not"})
    rules[name] = [](TieBuilder& ties) { broadcast_ties(ties, 0, Zero::kNever); };
  rules["Div"] = [](TieBuilder& ties) { left_ties(ties, true, "divisor"); };
  rules["Pow"] = pow_ties;
}

}  // namespace pare
