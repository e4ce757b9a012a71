// Functions of single elements, and reductions over dims.
#include <cmath>

#include "core/import/aten_lower.h"

namespace pare::aten {
namespace {

using Ints = std::vector<int64_t>;

void unary(Lowering& out, const Call& call, const char* op) {
  out.add(call, op, {out.tensor(call, "self")});
}

// One literal of the other operand's type.
ValueId scalar(Lowering& out, const Call& call, double value, DType dtype) {
  return out.literal(call, Tensor::scalar(value).to(dtype));
}

// 0 booleans, 1 integers, 2 floats: numbers raise a tensor's type only to a higher kind.
int kind_of(DType dtype) {
  return dtype == DType::kBool ? 0 : is_float(dtype) ? 2 : 1;
}
int kind_of(const Call& call, const std::string& key) {
  const Arg& arg = call.args.at(key);
  return arg.as<bool>() ? 0 : arg.as<double>() ? 2 : 1;
}
DType default_of(int kind) {
  return kind == 0 ? DType::kBool : kind == 1 ? DType::kI64 : DType::kF32;
}

// Both operands in the type that PyTorch computes in. At least one is a tensor.
std::pair<ValueId, ValueId> operands(Lowering& out, const Call& call, const std::string& left,
                                     const std::string& right) {
  const bool has_left = out.is_tensor(call, left), has_right = out.is_tensor(call, right);
  PARE_CHECK((has_left || has_right) && call.args.count(left) && call.args.count(right), ModelError,
             "expected a tensor among its operands");
  if (has_left && has_right) {
    const ValueId a = out.tensor(call, left), b = out.tensor(call, right);
    const int ka = kind_of(out.dtype_of(a)), kb = kind_of(out.dtype_of(b));
    const bool same = out.dtype_of(a) == out.dtype_of(b);
    PARE_CHECK(same || ka != kb, ModelError, "operands of {} and {} are not supported", out.dtype_of(a),
               out.dtype_of(b));
    const DType common = out.dtype_of(ka >= kb ? a : b);
    return {out.cast(call, a, common), out.cast(call, b, common)};
  }
  const std::string& given = has_left ? left : right;
  const std::string& number = has_left ? right : left;
  ValueId x = out.tensor(call, given);
  const int kind = kind_of(call, number);
  if (kind > kind_of(out.dtype_of(x))) x = out.cast(call, x, default_of(kind));
  const ValueId value = scalar(out, call, out.number(call, number), out.dtype_of(x));
  return has_left ? std::pair(x, value) : std::pair(value, x);
}

ValueId as_float(Lowering& out, const Call& call, ValueId x) {
  return is_float(out.dtype_of(x)) ? x : out.cast(call, x, DType::kF32);
}

void binary(Lowering& out, const Call& call, const char* op) {
  auto [a, b] = operands(out, call, "self", "other");
  if (std::string(op) == "Div") {
    const std::string rounding = out.text(call, "rounding_mode", "");
    PARE_CHECK(rounding.empty(), ModelError, "rounding_mode {} is not supported", rounding);
    a = as_float(out, call, a);
    b = as_float(out, call, b);
  }
  if (const double alpha = out.number(call, "alpha", 1.0); alpha != 1.0)
    b = out.step(call, "Mul", {b, scalar(out, call, alpha, out.dtype_of(b))});
  out.add(call, op, {a, b});
}

void reversed_sub(Lowering& out, const Call& call, const char*) {
  PARE_CHECK(out.number(call, "alpha", 1.0) == 1.0, ModelError, "alpha is not supported");
  const auto [a, b] = operands(out, call, "self", "other");
  out.add(call, "Sub", {b, a});
}

void power(Lowering& out, const Call& call, const char*) {
  const auto [a, b] = operands(out, call, "self", "exponent");
  out.add(call, "Pow", {a, b});
}

void inverted(Lowering& out, const Call& call, const char* op) {
  const auto [a, b] = operands(out, call, "self", "other");
  out.add(call, "Not", {out.step(call, op, {a, b})});
}

void where(Lowering& out, const Call& call, const char*) {
  const auto [a, b] = operands(out, call, "self", "other");
  out.add(call, "Where", {out.tensor(call, "condition"), a, b});
}

void masked_fill(Lowering& out, const Call& call, const char*) {
  const auto [x, value] = operands(out, call, "self", "value");
  out.add(call, "Where", {out.tensor(call, "mask"), value, x});
}

void reciprocal_sqrt(Lowering& out, const Call& call, const char*) {
  out.add(call, "Reciprocal", {out.step(call, "Sqrt", {out.tensor(call, "self")})});
}

void square(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  out.add(call, "Mul", {x, x});
}

void clip(Lowering& out, const Call& call, const char* op) {
  Attrs attrs;
  const bool tanh = op != nullptr;  // hardtanh has other names, and bounds by default
  const std::string low = tanh ? "min_val" : "min", high = tanh ? "max_val" : "max";
  if (tanh || out.has(call, low)) attrs.set("min", out.number(call, low, tanh ? std::optional(-1.0) : std::nullopt));
  if (tanh || out.has(call, high)) attrs.set("max", out.number(call, high, tanh ? std::optional(1.0) : std::nullopt));
  out.add(call, "Clip", {out.tensor(call, "self")}, attrs);
}

void relu6(Lowering& out, const Call& call, const char*) {
  out.add(call, "Clip", {out.tensor(call, "self")}, {{"min", 0.0}, {"max", 6.0}});
}

void gelu(Lowering& out, const Call& call, const char*) {
  out.add(call, "Gelu", {out.tensor(call, "self")}, {{"approximate", out.text(call, "approximate", "none")}});
}

void leaky_relu(Lowering& out, const Call& call, const char*) {
  out.add(call, "LeakyRelu", {out.tensor(call, "self")}, {{"alpha", out.number(call, "negative_slope", 0.01)}});
}

void elu(Lowering& out, const Call& call, const char*) {
  PARE_CHECK(out.number(call, "scale", 1.0) == 1.0 && out.number(call, "input_scale", 1.0) == 1.0, ModelError,
             "scales are not supported");
  out.add(call, "Elu", {out.tensor(call, "self")}, {{"alpha", out.number(call, "alpha", 1.0)}});
}

void softplus(Lowering& out, const Call& call, const char*) {
  PARE_CHECK(out.number(call, "beta", 1.0) == 1.0 && out.number(call, "threshold", 20.0) >= 20.0, ModelError,
             "only beta 1 and a threshold of 20 or more are supported");
  out.add(call, "Softplus", {out.tensor(call, "self")});
}

void hard_sigmoid(Lowering& out, const Call& call, const char*) {
  out.add(call, "HardSigmoid", {out.tensor(call, "self")}, {{"alpha", 1.0 / 6.0}, {"beta", 0.5}});
}

// One slope, or one a channel: dim 1.
void prelu(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  ValueId slope = out.tensor(call, "weight");
  if (out.rank(x) > 2 && out.rank(slope) == 1) {
    std::vector<int64_t> shape(static_cast<size_t>(out.rank(x) - 1), 1);
    shape[0] = -1;
    slope = out.step(call, "Reshape", {slope}, {{"shape", shape}});
  }
  out.add(call, "PRelu", {x, slope});
}

void softmax(Lowering& out, const Call& call, const char* op) {
  const ValueId x = out.tensor(call, "self");
  const DType wanted = out.dtype(call, "dtype").value_or(out.dtype_of(x));
  out.add(call, op, {out.cast(call, x, wanted)}, {{"axis", out.axis(call, "dim", x)}});
}

void glu(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  const int64_t axis = out.axis(call, "dim", x, -1);
  const auto extent = out.shape(x)[static_cast<size_t>(axis)].maybe_value();
  PARE_CHECK(extent && *extent % 2 == 0, ModelError, "expected an even number in dim {}, got {}", axis, out.shape(x));
  const auto half = [&](int64_t start) {
    return out.step(call, "Slice", {x},
                    {{"starts", Ints{start}}, {"ends", Ints{start + *extent / 2}}, {"axes", Ints{axis}}});
  };
  const ValueId gate = out.step(call, "Sigmoid", {half(*extent / 2)});
  out.add(call, "Mul", {half(0), gate});
}

void dropout(Lowering& out, const Call& call, const char*) {
  PARE_CHECK(!out.flag(call, "train", false), ModelError, "it is in training mode. Save model.eval()");
  out.add(call, "Dropout", {out.tensor(call, "input")}, {{"ratio", out.number(call, "p")}});
}

// Over the dims given, or all.
void reduce(Lowering& out, const Call& call, const char* op) {
  const ValueId given = out.tensor(call, "self");
  const ValueId x = out.cast(call, given, out.dtype(call, "dtype").value_or(out.dtype_of(given)));
  Ints axes = out.integers(call, "dim");
  for (int64_t i = 0; axes.empty() && i < out.rank(x); ++i) axes.push_back(i);
  PARE_CHECK(!axes.empty(), ModelError, "expected at least one dim");
  const bool sums_integers = std::string(op) == "ReduceSum" && kind_of(out.dtype_of(x)) < 2;
  PARE_CHECK(!sums_integers || out.dtype_of(x) == DType::kI64, ModelError, "sums of {} are not supported",
             out.dtype_of(x));
  out.add(call, op, {x}, {{"axes", axes}, {"keepdims", int64_t{out.flag(call, "keepdim", false)}}});
}

// The first of equal elements, as on the CPU.
void arg_max(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  PARE_CHECK(out.has(call, "dim"), ModelError, "expected a dim");
  out.add(call, "ArgMax", {x},
          {{"axis", out.axis(call, "dim", x)}, {"keepdims", int64_t{out.flag(call, "keepdim", false)}}});
}

void top_k(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  out.add(call, "TopK", {x},
          {{"k", out.integer(call, "k")},
           {"axis", out.axis(call, "dim", x, -1)},
           {"largest", int64_t{out.flag(call, "largest", true)}},
           {"sorted", int64_t{out.flag(call, "sorted", true)}}},
          2);
}

constexpr Row kElementwiseRows[] = {{"abs", unary, "Abs"},
                         {"neg", unary, "Neg"},
                         {"exp", unary, "Exp"},
                         {"log", unary, "Log"},
                         {"sqrt", unary, "Sqrt"},
                         {"rsqrt", reciprocal_sqrt},
                         {"reciprocal", unary, "Reciprocal"},
                         {"erf", unary, "Erf"},
                         {"floor", unary, "Floor"},
                         {"ceil", unary, "Ceil"},
                         {"round", unary, "Round"},
                         {"square", square},
                         {"logical_not", unary, "Not"},
                         {"bitwise_not", unary, "Not"},
                         {"relu", unary, "Relu"},
                         {"relu6", relu6},
                         {"hardtanh", clip, "hardtanh"},
                         {"sigmoid", unary, "Sigmoid"},
                         {"tanh", unary, "Tanh"},
                         {"silu", unary, "pare.Silu"},
                         {"hardswish", unary, "HardSwish"},
                         {"hardsigmoid", hard_sigmoid},
                         {"gelu", gelu},
                         {"leaky_relu", leaky_relu},
                         {"elu", elu},
                         {"softplus", softplus},
                         {"prelu", prelu},
                         {"_prelu_kernel", prelu},
                         {"softmax", softmax, "Softmax"},
                         {"_softmax", softmax, "Softmax"},
                         {"log_softmax", softmax, "LogSoftmax"},
                         {"_log_softmax", softmax, "LogSoftmax"},
                         {"glu", glu},
                         {"dropout", dropout, nullptr, true},
                         {"clamp", clip},
                         {"clamp_min", clip},
                         {"clamp_max", clip},
                         {"add", binary, "Add"},
                         {"sub", binary, "Sub"},
                         {"rsub", reversed_sub},
                         {"mul", binary, "Mul"},
                         {"div", binary, "Div"},
                         {"pow", power},
                         {"maximum", binary, "Max"},
                         {"minimum", binary, "Min"},
                         {"eq", binary, "Equal"},
                         {"ne", inverted, "Equal"},
                         {"lt", binary, "Less"},
                         {"gt", binary, "Greater"},
                         {"le", inverted, "Greater"},
                         {"ge", inverted, "Less"},
                         {"logical_and", binary, "And"},
                         {"logical_or", binary, "Or"},
                         {"bitwise_and", binary, "And"},
                         {"bitwise_or", binary, "Or"},
                         {"where", where},
                         {"masked_fill", masked_fill},
                         {"mean", reduce, "ReduceMean"},
                         {"sum", reduce, "ReduceSum"},
                         {"amax", reduce, "ReduceMax"},
                         {"amin", reduce, "ReduceMin"},
                         {"argmax", arg_max},
                         {"topk", top_k}};

}  // namespace

std::span<const Row> elementwise_rows() {
  return kElementwiseRows;
}

}  // namespace pare::aten
