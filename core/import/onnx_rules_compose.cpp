// Operators that become several others of the graph.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/import/onnx_raise.h"

namespace pare::onnx {
namespace {

// Constants that a rule makes, and dims that it walks through: far beyond real models.
constexpr int64_t kMaxMade = 1 << 24;

ValueId scalar(Raiser& out, const Node& node, const char* what, double value, DType dtype) {
  return out.literal(node, what, Tensor::scalar(value).to(dtype));
}

ValueId float_scalar(Raiser& out, const Node& node, const char* what, double value) {
  return scalar(out, node, what, value, out.dtype(node, 0));
}

ValueId zero(Raiser& out, const Node& node) { return float_scalar(out, node, "zero", 0); }

Attrs to(DType dtype) { return {{"to", std::string(name_of(dtype))}}; }

int64_t extent_of(const DimShape& shape, size_t axis) {
  const auto extent = shape.at(axis).maybe_value();
  PARE_CHECK(extent && *extent >= 0 && *extent <= kMaxMade, ModelError, "expected a fixed dim {} up to {}, got {}", axis,
             kMaxMade, shape);
  return *extent;
}

// The smallest is the largest of the other direction; -1 - x turns integers around without overflow.
void arg_min(Raiser& out, const Node& node) {
  const DType dtype = out.dtype(node, 0);
  const ValueId x = out.input(node, 0);
  const ValueId turned = is_float(dtype) ? out.step(node, "Neg", {x})
                                         : out.step(node, "Sub", {scalar(out, node, "ones", -1, dtype), x});
  PARE_CHECK(is_float(dtype) || dtype == DType::kI8 || dtype == DType::kI16 || dtype == DType::kI32 || dtype == DType::kI64,
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
  if (node.op == "ReduceL1") value = out.step(node, "Abs", {x});
  else if (node.op != "ReduceLogSum") value = out.step(node, "Mul", {x, x});
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
  if (node.integer("noop_with_empty_axes", 0) != 0 && (!axes || axes->empty())) return out.add(node, "Identity", {x}, {});
  Attrs kept = {{"keepdims", int64_t{1}}}, wanted = {{"keepdims", node.integer("keepdims", 1)}};
  if (axes) kept.set("axes", *axes), wanted.set("axes", *axes);
  const double most = 3e38;
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
  const ValueId curve = out.step(node, "Elu", {out.input(node, 0)}, {{"alpha", node.number("alpha", 1.67326319217681884765625)}});
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

// [N, C, H/b, b, W/b, b] with the blocks' positions in front of the channels (DCR) or behind them (CRD).
void space_to_depth(Raiser& out, const Node& node) {
  const DimShape x = out.shape(node, 0);
  const int64_t b = node.integer("blocksize", 0);
  PARE_CHECK(x.size() == 4 && b >= 1 && b <= 1024, ModelError, "expected four dims and a blocksize in [1, 1024], got {}", b);
  const int64_t c = extent_of(x, 1), h = extent_of(x, 2), w = extent_of(x, 3);
  PARE_CHECK(h % b == 0 && w % b == 0, ModelError, "expected {} to split into blocks of {}", x, b);
  const std::string mode = node.text("mode", "DCR");
  PARE_CHECK(mode == "DCR" || mode == "CRD", ModelError, "expected mode DCR or CRD, got {}", mode);
  const std::vector<int64_t> order = mode == "DCR" ? std::vector<int64_t>{0, 3, 5, 1, 2, 4} : std::vector<int64_t>{0, 1, 3, 5, 2, 4};
  const std::vector<int64_t> blocks = {0, c, h / b, b, w / b, b}, flat = {0, c * b * b, h / b, w / b};
  const ValueId split = out.step(node, "Reshape", {out.input(node, 0)}, {{"shape", blocks}});
  out.add(node, "Reshape", {out.step(node, "Transpose", {split}, {{"perm", order}})}, {{"shape", flat}});
}

// A constant where the shape is fixed, else one number that is expanded.
void constant_of_shape(Raiser& out, const Node& node) {
  Tensor value = Tensor::scalar<float>(0);
  if (const auto found = node.attrs.find("value"); found != node.attrs.end()) {
    const auto* given = std::get_if<Tensor>(&found->second);
    PARE_CHECK(given && given->numel() == 1, ModelError, "expected one number as value");
    value = given->reshaped({});
  }
  const auto dims = out.contents(node, 0);
  if (dims && !std::all_of(dims->begin(), dims->end(), [](const Dim& d) { return d.is_constant(); }))
    return out.add(node, "Expand", {out.literal(node, "value", value), out.input(node, 0)}, {});
  const auto shape = out.integers(node, 0);
  PARE_CHECK(shape && std::all_of(shape->begin(), shape->end(), [](int64_t d) { return d >= 0 && d <= kMaxMade; }) &&
                 numel_of(*shape) <= kMaxMade,
             ModelError, "expected a shape of at most {} elements", kMaxMade);
  const std::vector<int64_t> copies(static_cast<size_t>(numel_of(*shape)));
  out.set_constant(node, stored(take(value.reshaped({1}), 0, copies).reshaped(*shape)));
}

void range(Raiser& out, const Node& node) {
  const DType dtype = out.dtype(node, 0);
  double given[3] = {};
  for (size_t i = 0; i < 3; ++i) {
    PARE_CHECK(out.dtype(node, i) == dtype, ModelError, "expected numbers of one type");
    const auto list = is_float(dtype) ? std::nullopt : out.integers(node, i);
    const auto numbers = is_float(dtype) ? out.constant(node, i)->to_doubles() : std::vector<double>(list->begin(), list->end());
    PARE_CHECK(numbers.size() == 1, ModelError, "expected three numbers");
    given[i] = numbers[0];
  }
  const double count = std::max(0.0, std::ceil((given[1] - given[0]) / given[2]));
  PARE_CHECK(given[2] != 0.0 && count <= static_cast<double>(kMaxMade), ModelError, "expected at most {} steps, got {}",
             kMaxMade, count);
  std::vector<double> values;
  for (int64_t i = 0; i < static_cast<int64_t>(count); ++i) values.push_back(given[0] + static_cast<double>(i) * given[2]);
  out.set_constant(node, stored(Tensor::of(values, {static_cast<int64_t>(values.size())}).to(dtype)));
}

void size(Raiser& out, const Node& node) {
  const Dim total = product_of(out.shape(node, 0));
  PARE_CHECK(total.is_constant(), ModelError, "the number of elements {} is not fixed", total);
  out.set_constant(node, encode_raw(Tensor::scalar<int64_t>(total.value())));
}

// Keeps the elements on one side of a diagonal.
void triangle(Raiser& out, const Node& node) {
  const DimShape x = out.shape(node, 0);
  PARE_CHECK(x.size() >= 2, ModelError, "expected at least 2 dims, got {}", x);
  const int64_t rows = extent_of(x, x.size() - 2), columns = extent_of(x, x.size() - 1);
  const auto list = out.integers(node, 1);
  const int64_t k = list && list->size() == 1 ? std::clamp(list->front(), -kMaxMade, kMaxMade) : 0;
  PARE_CHECK((!list || list->size() == 1) && rows * columns <= kMaxMade, ModelError, "a triangle of {} x {}", rows, columns);
  Tensor mask(DType::kBool, {rows, columns});
  const bool upper = node.integer("upper", 1) != 0;
  for (int64_t i = 0; i < rows * columns; ++i) {
    const int64_t diagonal = i % columns - i / columns;
    mask.mutable_bytes()[i] = std::byte{static_cast<unsigned char>(upper ? diagonal >= k : diagonal <= k)};
  }
  out.add(node, "Where", {out.literal(node, "mask", mask), out.input(node, 0), zero(out, node)}, {});
}

// Behind the end comes the front again.
ValueId wrapped(Raiser& out, const Node& node, const std::vector<int64_t>& pads) {
  const DimShape x = out.shape(node, 0);
  PARE_CHECK(pads.size() == 2 * x.size(), ModelError, "expected {} pads, got {}", 2 * x.size(), pads);
  ValueId value = out.input(node, 0);
  for (size_t d = 0; d < x.size(); ++d) {
    const int64_t front = pads[d], back = pads[d + x.size()];
    if (front == 0 && back == 0) continue;
    const int64_t extent = extent_of(x, d);
    PARE_CHECK(extent > 0, ModelError, "expected elements to repeat, got {}", x);
    for (int64_t pad : {front, back})
      PARE_CHECK(pad >= -extent && pad <= kMaxMade, ModelError, "expected pads in [{}, {}], got {}", -extent, kMaxMade, pads);
    std::vector<int64_t> indices;
    for (int64_t i = -front; i < extent + back; ++i) indices.push_back((i % extent + extent) % extent);
    const ValueId list = out.literal(node, "wrap", Tensor::of(indices, {static_cast<int64_t>(indices.size())}));
    value = out.step(node, "Gather", {value, list}, {{"axis", static_cast<int64_t>(d)}});
  }
  return value;
}

// Pads of the named axes as pads of all.
std::vector<int64_t> pads_of_all(const std::vector<int64_t>& pads, const std::vector<int64_t>& axes, size_t rank) {
  PARE_CHECK(pads.size() == 2 * axes.size(), ModelError, "expected {} pads, got {}", 2 * axes.size(), pads);
  std::vector<int64_t> out(2 * rank);
  for (size_t i = 0; i < axes.size(); ++i) {
    const size_t axis = front_axis(axes[i], rank);
    out[axis] = pads[i];
    out[axis + rank] = pads[i + axes.size()];
  }
  return out;
}

constexpr Row kComposed[] = {
    {"ArgMin", arg_min}, {"Celu", celu}, {"ConstantOfShape", constant_of_shape}, {"IsNaN", is_nan}, {"Mean", mean},
    {"Mish", mish}, {"Range", range}, {"ReduceL1", reduce_of}, {"ReduceL2", reduce_of}, {"ReduceLogSum", reduce_of},
    {"ReduceLogSumExp", reduce_log_sum_exp}, {"ReduceSumSquare", reduce_of}, {"Selu", selu}, {"Shrink", shrink},
    {"Sign", sign}, {"Size", size}, {"Softsign", softsign}, {"SpaceToDepth", space_to_depth}, {"Swish", swish},
    {"ThresholdedRelu", thresholded_relu}, {"Trilu", triangle}, {"Xor", exclusive_or}};

}  // namespace

std::span<const Row> composed_rules() { return kComposed; }

void raise_pad(Raiser& out, const Node& node) {
  auto pads = list_of(out, node, "pads", 1);
  PARE_CHECK(pads, ModelError, "expected pads");
  if (const auto axes = out.integers(node, 3)) pads = pads_of_all(*pads, *axes, static_cast<size_t>(out.rank(node, 0)));
  const std::string mode = node.text("mode", "constant");
  if (mode == "wrap") return out.add(node, "Identity", {wrapped(out, node, *pads)}, {});
  Attrs attrs = {{"pads", *pads}, {"mode", mode}};
  if (const Tensor* value = out.constant(node, 2)) {
    PARE_CHECK(value->numel() == 1, ModelError, "expected one number as constant_value, got shape {}", value->shape());
    attrs.set("value", value->to_doubles()[0]);
  }
  out.add(node, "Pad", out.inputs(node, 1), attrs);
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
