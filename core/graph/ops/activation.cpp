// Elementwise functions of one input; output as the input.
//   LeakyRelu alpha (0.01); Elu alpha (1); HardSigmoid alpha (0.2), beta (0.5); Gelu approximate ("none" or "tanh");
//   Clip min, max (each absent: unbounded); Round rounds half to even. pare.Silu is x * sigmoid(x): ONNX has no such
//   operator before opset 24, so exporters write Mul(x, Sigmoid(x)).
// PRelu            x, slope broadcast to x
// Softmax, LogSoftmax  axis (-1)
#include "core/graph/ops/rules.h"

namespace pare {
namespace {

void infer_float(InferContext& context) {
  if (!is_float(context.dtype(0))) context.fail(fmt("expected a float input, got {}", context.dtype(0)));
  same_as_input(context);
}

void infer_negative(InferContext& context) {
  same_as_input(context);
  const DimShape* known = context.contents(0);
  if (!known || context.shape(0).size() > 1) return;
  DimShape out;
  for (const Dim& dim : *known) out.push_back(Dim(0) - dim);
  context.set_contents(0, std::move(out));
}

void infer_gelu(InferContext& context) {
  const std::string mode = context.attrs().text("approximate", "none");
  if (mode != "none" && mode != "tanh") context.fail(fmt("expected approximate none or tanh, got \"{}\"", mode));
  infer_float(context);
}

void infer_prelu(InferContext& context) {
  if (broadcast(context, context.shape(0), context.shape(1)) != context.shape(0))
    context.fail(fmt("the slope {} does not broadcast to {}", context.shape(1), context.shape(0)));
  infer_float(context);
}

void infer_clip(InferContext& context) {
  const auto& attrs = context.attrs();
  if (attrs.has("min") && attrs.has("max") && !(attrs.number("min") <= attrs.number("max")))
    context.fail(fmt("expected min <= max, got {} and {}", attrs.number("min"), attrs.number("max")));
  same_as_input(context);
}

void infer_softmax(InferContext& context) {
  wrap_axis(context, context.attrs().integer("axis", -1), context.shape(0).size());
  infer_float(context);
}

}  // namespace

void add_activation_ops(OpTable& ops) {
  for (const char* name : {"Sigmoid", "Tanh", "pare.Silu", "HardSwish", "Softplus", "Erf", "Exp", "Log", "Sqrt", "Floor",
                           "Ceil", "Round", "Reciprocal"})
    ops.add({.name = name, .infer = infer_float});
  for (const char* name : {"Relu", "Abs"}) ops.add({.name = name, .infer = same_as_input});
  ops.add({.name = "Neg", .infer = infer_negative});
  const AttrSpec alpha = {"alpha", AttrType::kFloat};
  ops.add({.name = "LeakyRelu", .attrs = {alpha}, .infer = infer_float});
  ops.add({.name = "Elu", .attrs = {alpha}, .infer = infer_float});
  ops.add({.name = "HardSigmoid", .attrs = {alpha, {"beta", AttrType::kFloat}}, .infer = infer_float});
  ops.add({.name = "Gelu", .attrs = {{"approximate", AttrType::kText}}, .infer = infer_gelu});
  ops.add({.name = "Clip", .attrs = {{"min", AttrType::kFloat}, {"max", AttrType::kFloat}}, .infer = infer_clip});
  ops.add({.name = "PRelu", .min_inputs = 2, .max_inputs = 2, .infer = infer_prelu});
  ops.add({.name = "Softmax", .attrs = {{"axis", AttrType::kInt}}, .infer = infer_softmax});
  ops.add({.name = "LogSoftmax", .attrs = {{"axis", AttrType::kInt}}, .infer = infer_softmax});
}

}  // namespace pare
