// ONNX operators of opset 11 to 21 -> the graph's operators (opset 21, constants as attributes).
#include "core/import/onnx_raise.h"

namespace pare::onnx {
namespace {

constexpr int64_t kMaxChannels = 1 << 20;

// Same name and inputs; attributes that the graph's operator has.
void same(Raiser& out, const Node& node) { out.add(node, node.op, out.inputs(node), out.attrs(node, node.op)); }

std::vector<int64_t> ints_of(const Tensor& tensor) {
  PARE_CHECK(tensor.dtype() == DType::kI64 || tensor.dtype() == DType::kI32, ModelError, "expected integers, got {}", tensor.dtype());
  return tensor.to_ints();
}

double scalar_of(const Tensor& tensor) {
  PARE_CHECK(tensor.numel() == 1, ModelError, "expected one number, got shape {}", tensor.shape());
  return tensor.to_doubles()[0];
}

// Lists that moved from attributes to inputs in some opset.
std::optional<std::vector<int64_t>> list_of(Raiser& out, const Node& node, const std::string& name, size_t input) {
  if (const auto list = node.integers(name)) return list;
  if (const Tensor* tensor = out.constant(node, input)) return ints_of(*tensor);
  return std::nullopt;
}

void constant(Raiser& out, const Node& node) {
  for (const auto& [name, value] : node.attrs) {
    if (const auto* tensor = std::get_if<Tensor>(&value)) return out.set_constant(node, encode_raw(*tensor));
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
  if (const Tensor* tensor = node.has_input(0) && out.is_constant(node, 0) ? out.constant(node, 0) : nullptr)
    return out.set_constant(node, encode_raw(*tensor));
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

void batch_norm(Raiser& out, const Node& node) {
  PARE_CHECK(node.integer("training_mode", 0) == 0, ModelError, "training_mode is not supported");
  same(out, node);
}

// Layer norm may also give mean and variance, which nothing of ours reads.
void layer_norm(Raiser& out, const Node& node) {
  PARE_CHECK(node.integer("stash_type", 1) == 1, ModelError, "expected stash_type 1");
  same(out, node);
}

// Up to opset 20 one scale a group, not a channel.
void group_norm(Raiser& out, const Node& node) {
  auto inputs = out.inputs(node);
  if (out.opset() < 21) {
    const DimShape x = out.shape(node, 0);
    const int64_t channels = x.size() > 1 ? x[1].value() : 0;
    PARE_CHECK(channels >= 1 && channels <= kMaxChannels, ModelError, "expected 1 to {} channels, got shape {}", kMaxChannels, x);
    for (size_t i = 1; i <= 2; ++i) {
      const Tensor* cells = out.constant(node, i);
      PARE_CHECK(cells && cells->rank() == 1 && cells->numel() > 0 && channels % cells->numel() == 0, ModelError,
                 "expected one scale and bias a group");
      std::vector<int64_t> repeat;
      for (int64_t c = 0; c < channels; ++c) repeat.push_back(c / (channels / cells->numel()));
      inputs.at(i) = out.literal(node, i == 1 ? "scale" : "bias", take(*cells, 0, repeat));
    }
  }
  out.add(node, node.op, inputs, out.attrs(node, node.op));
}

// Before opset 13 softmax worked on everything from `axis` (default 1) on.
void softmax(Raiser& out, const Node& node) {
  Attrs attrs = out.attrs(node, node.op);
  if (out.opset() < 13) {
    const int64_t rank = out.rank(node, 0), axis = attrs.integer("axis", 1);
    PARE_CHECK(axis == -1 || axis == rank - 1, ModelError, "softmax over several dims (axis {} of {}, opset {})", axis, rank, out.opset());
    attrs.set("axis", int64_t{-1});
  }
  out.add(node, node.op, out.inputs(node), attrs);
}

void clip(Raiser& out, const Node& node) {
  Attrs attrs;
  if (const Tensor* low = out.constant(node, 1)) attrs.set("min", scalar_of(*low));
  if (const Tensor* high = out.constant(node, 2)) attrs.set("max", scalar_of(*high));
  out.add(node, "Clip", out.inputs(node, 1), attrs);
}

// Reshape and Expand: shapes computed from input shapes stay inputs.
void to_shape(Raiser& out, const Node& node) {
  Attrs attrs = out.attrs(node, node.op);
  attrs.erase("shape");
  const bool fixed = node.has_input(1) && out.is_constant(node, 1);
  if (fixed) attrs.set("shape", ints_of(*out.constant(node, 1)));
  out.add(node, node.op, out.inputs(node, fixed ? 1 : 2), attrs);
}

void with_axes(Raiser& out, const Node& node) {
  Attrs attrs;
  if (const auto axes = list_of(out, node, "axes", 1)) attrs.set("axes", *axes);
  out.add(node, node.op, out.inputs(node, 1), attrs);
}

void reduce(Raiser& out, const Node& node) {
  Attrs attrs;
  const auto axes = list_of(out, node, "axes", 1);
  PARE_CHECK(node.integer("noop_with_empty_axes", 0) == 0 || (axes && !axes->empty()), ModelError, "expected axes");
  if (axes) attrs.set("axes", *axes);
  attrs.set("keepdims", node.integer("keepdims", 1));
  out.add(node, node.op, out.inputs(node, 1), attrs);
}

void slice(Raiser& out, const Node& node) {
  Attrs attrs;
  static constexpr const char* kNames[] = {"", "starts", "ends", "axes", "steps"};
  for (size_t i = 1; i <= 4; ++i)
    if (const Tensor* list = out.constant(node, i)) attrs.set(kNames[i], ints_of(*list));
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

void pad(Raiser& out, const Node& node) {
  Attrs attrs;
  auto pads = list_of(out, node, "pads", 1);
  PARE_CHECK(pads, ModelError, "expected pads");
  if (const Tensor* axes = out.constant(node, 3)) {
    const int64_t rank = out.rank(node, 0);
    const auto named = ints_of(*axes);
    PARE_CHECK(pads->size() == 2 * named.size(), ModelError, "expected {} pads, got {}", 2 * named.size(), *pads);
    std::vector<int64_t> all(static_cast<size_t>(2 * rank));
    for (size_t i = 0; i < named.size(); ++i) {
      const int64_t axis = named[i] < 0 ? named[i] + rank : named[i];
      PARE_CHECK(axis >= 0 && axis < rank, ModelError, "expected axes of {} dims, got {}", rank, named);
      all[static_cast<size_t>(axis)] = (*pads)[i];
      all[static_cast<size_t>(axis + rank)] = (*pads)[i + named.size()];
    }
    pads = all;
  }
  attrs.set("pads", *pads);
  attrs.set("mode", node.text("mode", "constant"));
  if (const Tensor* value = out.constant(node, 2)) attrs.set("value", scalar_of(*value));
  out.add(node, "Pad", out.inputs(node, 1), attrs);
}

void tile(Raiser& out, const Node& node) {
  const Tensor* repeats = out.constant(node, 1);
  PARE_CHECK(repeats, ModelError, "expected repeats");
  out.add(node, "Tile", out.inputs(node, 1), {{"repeats", ints_of(*repeats)}});
}

void top_k(Raiser& out, const Node& node) {
  const Tensor* k = out.constant(node, 1);
  PARE_CHECK(k && k->numel() == 1, ModelError, "expected k");
  Attrs attrs = out.attrs(node, "TopK");
  attrs.set("k", ints_of(*k)[0]);
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

// a <= b is not a > b (NaN aside).
void less_or_equal(Raiser& out, const Node& node) {
  const char* opposite = node.op == "LessOrEqual" ? "Greater" : "Less";
  out.add(node, "Not", {out.step(node, opposite, out.inputs(node))}, {});
}

struct Row {
  const char* op;
  Rule rule;
};

constexpr Row kRules[] = {
    {"Abs", same}, {"Add", same}, {"And", same}, {"ArgMax", same}, {"AveragePool", raise_window},
    {"BatchNormalization", batch_norm}, {"Cast", raise_cast}, {"Ceil", same}, {"Clip", clip}, {"Concat", same},
    {"Constant", constant}, {"Conv", raise_window}, {"ConvTranspose", raise_window}, {"DepthToSpace", same},
    {"DequantizeLinear", raise_dequantize}, {"Div", same}, {"Dropout", dropout}, {"Elu", same}, {"Equal", same},
    {"Erf", same}, {"Exp", same}, {"Expand", to_shape}, {"Flatten", same}, {"Floor", same}, {"Gather", same},
    {"Gelu", same}, {"Gemm", same}, {"GlobalAveragePool", same}, {"GlobalMaxPool", global_max_pool}, {"Greater", same},
    {"GreaterOrEqual", less_or_equal}, {"GroupNormalization", group_norm}, {"HardSigmoid", same}, {"HardSwish", same},
    {"Identity", identity}, {"InstanceNormalization", same}, {"LayerNormalization", layer_norm}, {"LeakyRelu", same},
    {"Less", same}, {"LessOrEqual", less_or_equal}, {"Log", same}, {"LogSoftmax", softmax}, {"MatMul", same}, {"Max", same},
    {"MaxPool", raise_window}, {"Min", same}, {"Mul", same}, {"Neg", same}, {"Not", same}, {"Or", same}, {"PRelu", same},
    {"Pad", pad}, {"Pow", same}, {"QuantizeLinear", raise_quantize}, {"Reciprocal", same}, {"ReduceMax", reduce},
    {"ReduceMean", reduce}, {"ReduceMin", reduce}, {"ReduceSum", reduce}, {"Relu", same}, {"Reshape", to_shape},
    {"Resize", raise_resize}, {"Round", same}, {"Shape", same}, {"Sigmoid", same}, {"Slice", slice}, {"Softmax", softmax},
    {"Softplus", same}, {"Split", split}, {"Sqrt", same}, {"Squeeze", with_axes}, {"Sub", same}, {"Sum", sum}, {"Tanh", same},
    {"Tile", tile}, {"TopK", top_k}, {"Transpose", same}, {"Unsqueeze", with_axes}, {"Where", same}};

}  // namespace

Rule find_rule(const std::string& op) {
  for (const auto& row : kRules)
    if (op == row.op) return row.rule;
  return nullptr;
}

}  // namespace pare::onnx
