// ONNX operators of opset 11 to 28 -> the graph's operators (opset 21, constants as attributes).
#include <algorithm>

#include "core/import/onnx_import.h"
#include "core/import/onnx_raise.h"

namespace pare::onnx {
namespace {

// Same name and inputs; attributes that the graph's operator has.
void same(Raiser& out, const Node& node) { out.add(node, node.op, out.inputs(node), out.attrs(node, node.op)); }

double scalar_of(const Tensor& tensor) {
  PARE_CHECK(tensor.numel() == 1, ModelError, "expected one number, got shape {}", tensor.shape());
  return tensor.to_doubles()[0];
}

void constant(Raiser& out, const Node& node) {
  for (const auto& [name, value] : node.attrs) {
    if (const auto* tensor = std::get_if<Tensor>(&value)) return out.set_constant(node, stored(*tensor));
    if (const auto* number = std::get_if<int64_t>(&value); number && name == "value_int")
      return out.set_constant(node, encode_raw(Tensor::scalar<int64_t>(*number)));
    if (const auto* number = std::get_if<double>(&value); number && name == "value_float")
      return out.set_constant(node, encode_raw(Tensor::scalar<float>(static_cast<float>(*number))));
    if (const auto* list = std::get_if<std::vector<int64_t>>(&value); list && name == "value_ints")
      return out.set_constant(node, encode_raw(Tensor::of(*list, {static_cast<int64_t>(list->size())})));
    if (const auto* list = std::get_if<std::vector<double>>(&value); list && name == "value_floats")
      return out.set_constant(node, encode_raw(Tensor::of(*list, {static_cast<int64_t>(list->size())}).to(DType::kF32)));
  }
  throw ModelError("expected a tensor or numbers as value");
}

void identity(Raiser& out, const Node& node) {
  if (node.has_input(0) && out.is_constant(node, 0)) return out.set_constant(node, out.encoded(node, 0));
  same(out, node);
}

void dropout(Raiser& out, const Node& node) {
  Attrs attrs;
  if (const Tensor* ratio = out.constant(node, 1)) attrs.set("ratio", scalar_of(*ratio));
  else if (node.attrs.count("ratio")) attrs.set("ratio", node.number("ratio", 0.5));
  if (const Tensor* training = out.constant(node, 2))
    PARE_CHECK(scalar_of(*training) == 0.0, ModelError, "training_mode is not supported");
  out.add(node, "Dropout", out.inputs(node, 1), attrs);
}

// Before opset 13 softmax worked on everything from `axis` (default 1) on.
void softmax(Raiser& out, const Node& node) {
  Attrs attrs = out.attrs(node, node.op);
  if (out.opset() < 13) {
    const auto rank = static_cast<size_t>(out.rank(node, 0)), axis = front_axis(attrs.integer("axis", 1), rank);
    attrs.set("axis", int64_t{-1});
    if (axis + 1 != rank) {
      const ValueId x = out.input(node, 0);
      const ValueId flat = out.step(node, "Flatten", {x}, {{"axis", static_cast<int64_t>(axis)}});
      const ValueId shares = out.step(node, node.op, {flat}, attrs);
      return out.add(node, "Reshape", {shares, out.step(node, "Shape", {x})}, {});
    }
  }
  out.add(node, node.op, out.inputs(node), attrs);
}

void clip(Raiser& out, const Node& node) {
  Attrs attrs;
  if (const Tensor* low = out.constant(node, 1)) attrs.set("min", scalar_of(*low));
  if (const Tensor* high = out.constant(node, 2)) attrs.set("max", scalar_of(*high));
  // The upper bound wins where they cross.
  if (attrs.has("min") && attrs.has("max")) attrs.set("min", std::min(attrs.number("min"), attrs.number("max")));
  out.add(node, "Clip", out.inputs(node, 1), attrs);
}

// Reshape and Expand: shapes computed from input shapes stay inputs.
void to_shape(Raiser& out, const Node& node) {
  Attrs attrs = out.attrs(node, node.op);
  attrs.erase("shape");
  const bool fixed = node.has_input(1) && out.is_constant(node, 1);
  if (fixed) attrs.set("shape", *out.integers(node, 1));
  out.add(node, node.op, out.inputs(node, fixed ? 1 : 2), attrs);
}

void with_axes(Raiser& out, const Node& node) {
  Attrs attrs;
  if (const auto axes = list_of(out, node, "axes", 1)) attrs.set("axes", *axes);
  out.add(node, node.op, out.inputs(node, 1), attrs);
}

void slice(Raiser& out, const Node& node) {
  Attrs attrs;
  static constexpr const char* kNames[] = {"", "starts", "ends", "axes", "steps"};
  for (size_t i = 1; i <= 4; ++i)
    if (const auto list = out.integers(node, i)) attrs.set(kNames[i], *list);
  out.add(node, "Slice", out.inputs(node, 1), attrs);
}

void split(Raiser& out, const Node& node) {
  Attrs attrs;
  attrs.set("axis", node.integer("axis", 0));
  if (const auto sizes = list_of(out, node, "split", 1)) attrs.set("split", *sizes);
  const auto count = static_cast<int>(node.outputs.size());
  PARE_CHECK(node.integer("num_outputs", count) == count, ModelError, "expected {} outputs", node.integer("num_outputs", count));
  out.add(node, "Split", out.inputs(node, 1), attrs, count);
}

void tile(Raiser& out, const Node& node) {
  const auto repeats = out.integers(node, 1);
  PARE_CHECK(repeats, ModelError, "expected repeats");
  out.add(node, "Tile", out.inputs(node, 1), {{"repeats", *repeats}});
}

void top_k(Raiser& out, const Node& node) {
  const auto k = out.integers(node, 1);
  PARE_CHECK(k && k->size() == 1, ModelError, "expected k");
  Attrs attrs = out.attrs(node, "TopK");
  attrs.set("k", k->front());
  out.add(node, "TopK", out.inputs(node, 1), attrs, 2);
}

void global_max_pool(Raiser& out, const Node& node) {
  std::vector<int64_t> axes;
  for (int64_t i = 2; i < out.rank(node, 0); ++i) axes.push_back(i);
  PARE_CHECK(!axes.empty(), ModelError, "expected spatial dims");
  out.add(node, "ReduceMax", out.inputs(node), {{"axes", axes}, {"keepdims", int64_t{1}}});
}

void sum(Raiser& out, const Node& node) {
  auto inputs = out.inputs(node);
  PARE_CHECK(!inputs.empty(), ModelError, "expected inputs");
  if (inputs.size() == 1) return out.add(node, "Identity", inputs, {});
  ValueId left = inputs[0];
  for (size_t i = 1; i + 1 < inputs.size(); ++i) left = out.step(node, "Add", {left, inputs[i]});
  out.add(node, "Add", {left, inputs.back()}, {});
}

void or_equal(Raiser& out, const Node& node) {
  const auto inputs = out.inputs(node);
  const char* strict = node.op == "LessOrEqual" ? "Less" : "Greater";
  out.add(node, "Or", {out.step(node, strict, inputs), out.step(node, "Equal", inputs)}, {});
}

constexpr Row kRules[] = {{"Abs", same},
                          {"Add", same},
                          {"And", same},
                          {"ArgMax", same},
                          {"AveragePool", raise_window},
                          {"BatchNormalization", raise_batch_norm},
                          {"Cast", raise_cast},
                          {"CastLike", raise_cast},
                          {"Ceil", same},
                          {"Clip", clip},
                          {"Concat", same},
                          {"Constant", constant},
                          {"Conv", raise_window},
                          {"ConvTranspose", raise_window},
                          {"DepthToSpace", same},
                          {"DequantizeLinear", raise_dequantize},
                          {"Div", same},
                          {"Dropout", dropout},
                          {"Einsum", raise_einsum},
                          {"Elu", same},
                          {"Equal", same},
                          {"Erf", same},
                          {"Exp", same},
                          {"Expand", to_shape},
                          {"Flatten", same},
                          {"Floor", same},
                          {"Gather", same},
                          {"Gelu", same},
                          {"Gemm", same},
                          {"GlobalAveragePool", same},
                          {"GlobalMaxPool", global_max_pool},
                          {"Greater", same},
                          {"GreaterOrEqual", or_equal},
                          {"GroupNormalization", raise_group_norm},
                          {"HardSigmoid", same},
                          {"HardSwish", same},
                          {"Identity", identity},
                          {"InstanceNormalization", same},
                          {"LayerNormalization", raise_layer_norm},
                          {"LeakyRelu", same},
                          {"Less", same},
                          {"LessOrEqual", or_equal},
                          {"Log", same},
                          {"LogSoftmax", softmax},
                          {"MatMul", same},
                          {"Max", same},
                          {"MaxPool", raise_window},
                          {"Min", same},
                          {"Mul", same},
                          {"Neg", same},
                          {"Not", same},
                          {"Or", same},
                          {"PRelu", same},
                          {"Pad", raise_pad},
                          {"Pow", raise_pow},
                          {"QuantizeLinear", raise_quantize},
                          {"Reciprocal", same},
                          {"ReduceMax", raise_reduce},
                          {"ReduceMean", raise_reduce},
                          {"ReduceMin", raise_reduce},
                          {"ReduceSum", raise_reduce},
                          {"Relu", same},
                          {"Reshape", to_shape},
                          {"RMSNormalization", raise_layer_norm},
                          {"Resize", raise_resize},
                          {"Round", same},
                          {"Shape", same},
                          {"Sigmoid", same},
                          {"Slice", slice},
                          {"Softmax", softmax},
                          {"Softplus", same},
                          {"Split", split},
                          {"Sqrt", same},
                          {"Squeeze", with_axes},
                          {"Sub", same},
                          {"Sum", sum},
                          {"Tanh", same},
                          {"Tile", tile},
                          {"TopK", top_k},
                          {"Transpose", same},
                          {"Unsqueeze", with_axes},
                          {"Where", same}};

}  // namespace

Rule find_rule(const std::string& op) {
  for (const auto& row : kRules)
    if (op == row.op) return row.rule;
  for (const auto& row : composed_rules())
    if (op == row.op) return row.rule;
  return nullptr;
}

std::optional<std::vector<int64_t>> list_of(Raiser& out, const Node& node, const std::string& name, size_t i) {
  const auto list = node.integers(name);
  return list ? list : out.integers(node, i);
}

size_t front_axis(int64_t axis, size_t rank) {
  const auto dims = static_cast<int64_t>(rank);
  PARE_CHECK(axis >= -dims && axis < dims, ModelError, "expected an axis in [{}, {}), got {}", -dims, dims, axis);
  return static_cast<size_t>(axis < 0 ? axis + dims : axis);
}

}  // namespace pare::onnx

namespace pare {

std::vector<std::string> onnx_operators() {
  std::vector<std::string> out;
  for (const auto& row : onnx::kRules) out.emplace_back(row.op);
  for (const auto& row : onnx::composed_rules()) out.emplace_back(row.op);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace pare
