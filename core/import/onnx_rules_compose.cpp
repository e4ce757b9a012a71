// Operators that become several others of the graph.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/import/onnx_raise.h"

namespace pare::onnx {
namespace {

ValueId scalar(Raiser& out, const Node& node, const char* what, double value, DType dtype) {
  return out.literal(node, what, Tensor::scalar(value).to(dtype));
}

ValueId float_scalar(Raiser& out, const Node& node, const char* what, double value) {
  return scalar(out, node, what, value, out.dtype(node, 0));
}

ValueId zero(Raiser& out, const Node& node) {
  return float_scalar(out, node, "zero", 0);
}

Attrs to(DType dtype) {
  return {{"to", std::string(name_of(dtype))}};
}

// The smallest is the largest of the other direction; -1 - x turns integers around without overflow.
void arg_min(Raiser& out, const Node& node) {
  const DType dtype = out.dtype(node, 0);
  const ValueId x = out.input(node, 0);
  const ValueId turned =
      is_float(dtype) ? out.step(node, "Neg", {x}) : out.step(node, "Sub", {scalar(out, node, "ones", -1, dtype), x});
  PARE_CHECK(
      is_float(dtype) || dtype == DType::kI8 || dtype == DType::kI16 || dtype == DType::kI32 || dtype == DType::kI64,
      ModelError, "the smallest of {}", dtype);
  out.add(node, "ArgMax", {turned}, out.attrs(node, "ArgMax"));
}

void mean(Raiser& out, const Node& node) {
  const auto inputs = out.inputs(node);
  PARE_CHECK(!inputs.empty(), ModelError, "expected inputs");
  ValueId total = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i) total = out.step(node, "Add", {total, inputs[i]});
  out.add(node, "Div", {total, float_scalar(out, node, "count", static_cast<double>(inputs.size()))}, {});
}

// ReduceL1, ReduceL2, ReduceSumSquare, ReduceLogSum
void reduce_of(Raiser& out, const Node& node) {
  const auto axes = list_of(out, node, "axes", 1);
  const bool each = node.integer("noop_with_empty_axes", 0) != 0 && (!axes || axes->empty());
  const ValueId x = out.input(node, 0);
  ValueId value = x;
  if (node.op == "ReduceL1")
    value = out.step(node, "Abs", {x});
  else if (node.op != "ReduceLogSum")
    value = out.step(node, "Mul", {x, x});
  const char* last = node.op == "ReduceL2" ? "Sqrt" : node.op == "ReduceLogSum" ? "Log" : nullptr;
  if (each) return out.add(node, last ? last : "Identity", {value}, {});
  Attrs attrs = {{"keepdims", node.integer("keepdims", 1)}};
  if (axes) attrs.set("axes", *axes);
  if (!last) return out.add(node, "ReduceSum", {value}, attrs);
  out.add(node, last, {out.step(node, "ReduceSum", {value}, attrs)}, {});
}

// Shifted by the largest, so that nothing overflows; an infinite largest shifts by nothing that matters.
void reduce_log_sum_exp(Raiser& out, const Node& node) {
  const auto axes = list_of(out, node, "axes", 1);
  const ValueId x = out.input(node, 0);
  if (node.integer("noop_with_empty_axes", 0) != 0 && (!axes || axes->empty()))
    return out.add(node, "Identity", {x}, {});
  Attrs kept = {{"keepdims", int64_t{1}}}, wanted = {{"keepdims", node.integer("keepdims", 1)}};
  if (axes) kept.set("axes", *axes), wanted.set("axes", *axes);
  const double most = std::numeric_limits<float>::max();
  const Attrs finite = {{"min", -most}, {"max", most}};
  const ValueId shift = out.step(node, "Clip", {out.step(node, "ReduceMax", {x}, kept)}, finite);
  const ValueId parts = out.step(node, "Exp", {out.step(node, "Sub", {x, shift})});
  const ValueId sum = out.step(node, "Log", {out.step(node, "ReduceSum", {parts}, wanted)});
  const ValueId back = out.step(node, "Clip", {out.step(node, "ReduceMax", {x}, wanted)}, finite);
  out.add(node, "Add", {sum, back}, {});
}

void mish(Raiser& out, const Node& node) {
  const ValueId x = out.input(node, 0);
  out.add(node, "Mul", {x, out.step(node, "Tanh", {out.step(node, "Softplus", {x})})}, {});
}

void softsign(Raiser& out, const Node& node) {
  const ValueId x = out.input(node, 0), size = out.step(node, "Abs", {x});
  out.add(node, "Div", {x, out.step(node, "Add", {size, float_scalar(out, node, "one", 1)})}, {});
}

void selu(Raiser& out, const Node& node) {
  const ValueId curve =
      out.step(node, "Elu", {out.input(node, 0)}, {{"alpha", node.number("alpha", 1.67326319217681884765625)}});
  out.add(node, "Mul", {curve, float_scalar(out, node, "gamma", node.number("gamma", 1.05070102214813232421875))}, {});
}

void celu(Raiser& out, const Node& node) {
  const double alpha = node.number("alpha", 1.0);
  PARE_CHECK(alpha > 0.0, ModelError, "expected alpha > 0, got {}", alpha);
  const ValueId factor = float_scalar(out, node, "alpha", alpha);
  out.add(node, "Mul", {out.step(node, "Elu", {out.step(node, "Div", {out.input(node, 0), factor})}), factor}, {});
}

void thresholded_relu(Raiser& out, const Node& node) {
  const ValueId x = out.input(node, 0);
  const ValueId above = out.step(node, "Greater", {x, float_scalar(out, node, "alpha", node.number("alpha", 1.0))});
  out.add(node, "Where", {above, x, zero(out, node)}, {});
}

void shrink(Raiser& out, const Node& node) {
  const ValueId x = out.input(node, 0), bias = float_scalar(out, node, "bias", node.number("bias", 0.0));
  const double lambda = node.number("lambd", 0.5);
  const ValueId below = out.step(node, "Less", {x, float_scalar(out, node, "low", -lambda)});
  const ValueId above = out.step(node, "Greater", {x, float_scalar(out, node, "high", lambda)});
  const ValueId rest = out.step(node, "Where", {above, out.step(node, "Sub", {x, bias}), zero(out, node)});
  out.add(node, "Where", {below, out.step(node, "Add", {x, bias}), rest}, {});
}

void swish(Raiser& out, const Node& node) {
  const ValueId x = out.input(node, 0);
  const double alpha = node.number("alpha", 1.0);
  if (alpha == 1.0) return out.add(node, "pare.Silu", {x}, {});
  const ValueId gate = out.step(node, "Sigmoid", {out.step(node, "Mul", {x, float_scalar(out, node, "alpha", alpha)})});
  out.add(node, "Mul", {x, gate}, {});
}

void sign(Raiser& out, const Node& node) {
  const DType dtype = out.dtype(node, 0);
  const ValueId x = out.input(node, 0), none = zero(out, node);
  const ValueId above = out.step(node, "Cast", {out.step(node, "Greater", {x, none})}, to(dtype));
  out.add(node, "Sub", {above, out.step(node, "Cast", {out.step(node, "Less", {x, none})}, to(dtype))}, {});
}

void exclusive_or(Raiser& out, const Node& node) {
  out.add(node, "Not", {out.step(node, "Equal", out.inputs(node))}, {});
}

void is_nan(Raiser& out, const Node& node) {
  const ValueId x = out.input(node, 0);
  out.add(node, "Not", {out.step(node, "Equal", {x, x})}, {});
}

constexpr Row kComposed[] = {{"ArgMin", arg_min},
                             {"Celu", celu},
                             {"ConstantOfShape", raise_constant_of_shape},
                             {"IsNaN", is_nan},
                             {"Mean", mean},
                             {"Mish", mish},
                             {"Range", raise_range},
                             {"ReduceL1", reduce_of},
                             {"ReduceL2", reduce_of},
                             {"ReduceLogSum", reduce_of},
                             {"ReduceLogSumExp", reduce_log_sum_exp},
                             {"ReduceSumSquare", reduce_of},
                             {"Selu", selu},
                             {"Shrink", shrink},
                             {"Sign", sign},
                             {"Size", raise_size},
                             {"Softsign", softsign},
                             {"SpaceToDepth", raise_space_to_depth},
                             {"Swish", swish},
                             {"ThresholdedRelu", thresholded_relu},
                             {"Trilu", raise_triangle},
                             {"Xor", exclusive_or}};

}  // namespace

std::span<const Row> composed_rules() {
  return kComposed;
}

// An exponent of another type takes that of the base; integers to a fractional power go through doubles.
void raise_pow(Raiser& out, const Node& node) {
  const DType base = out.dtype(node, 0), exponent = out.dtype(node, 1);
  if (base == exponent) return out.add(node, "Pow", out.inputs(node), {});
  const DType wide = is_float(base) ? base : DType::kF64;
  const auto as = [&](size_t i, DType from) {
    return from == wide ? out.input(node, i) : out.step(node, "Cast", {out.input(node, i)}, to(wide));
  };
  if (wide == base) return out.add(node, "Pow", {as(0, base), as(1, exponent)}, {});
  out.add(node, "Cast", {out.step(node, "Pow", {as(0, base), as(1, exponent)})}, to(base));
}

}  // namespace pare::onnx
