// f(0) = 0 keeps zeros; sigmoid-like functions do not. Softmax keeps the shape, but its sum runs over the dim: inexact.
#include "core/graph/ops/ties_rules.h"
#include "core/graph/ties_zero.h"

namespace pare {
namespace {

void clip_ties(TieBuilder& ties) {
  tie_through(ties, ties.attrs().number("min", -1.0) <= 0.0 && ties.attrs().number("max", 1.0) >= 0.0);
}

void prelu_ties(TieBuilder& ties) {
  tie_through(ties, true);
  tie_broadcast(ties, 1);
}

void softmax_ties(TieBuilder& ties) {
  tie_through(ties, false);
  const AxisId over = ties.in(0, ties.attrs().integer("axis", -1));
  ties.flow([over](ZeroFlow& flow) { flow.inexact(over, "softmax over the dim"); });
}

}  // namespace

void add_activation_ties(TieRules& rules) {
  for (const char* name : {"Relu", "Neg", "Abs", "Tanh", "pare.Silu", "HardSwish", "Erf", "Sqrt", "Floor", "Ceil", "Round",
                           "LeakyRelu", "Elu", "Gelu"})
    rules[name] = [](TieBuilder& ties) { tie_through(ties, true); };
  for (const char* name : {"Sigmoid", "HardSigmoid", "Softplus", "Exp", "Log", "Reciprocal"})
    rules[name] = [](TieBuilder& ties) { tie_through(ties, false); };
  rules["Clip"] = clip_ties;
  rules["PRelu"] = prelu_ties;
  rules["Softmax"] = softmax_ties;
  rules["LogSoftmax"] = softmax_ties;
}

}  // namespace pare
