// Operators of the graph (opset 21 semantics, constants as attributes) in the words of opset 13 to 21.
#include <cmath>
#include <functional>
#include <numbers>

#include "export/onnx_builder.h"

namespace pare {
namespace {

using Lowering = std::function<void(OnnxBuilder&, const Node&)>;

std::optional<std::vector<int64_t>> constant_dims(const DimShape& shape) {
  std::vector<int64_t> out;
  for (const Dim& dim : shape) {
    const auto number = dim.maybe_value();
    if (!number) return std::nullopt;
    out.push_back(*number);
  }
  return out;
}

int64_t wrapped(int64_t axis, size_t rank) { return axis < 0 ? axis + static_cast<int64_t>(rank) : axis; }

// Same name, same inputs, same attributes.
void same(OnnxBuilder& out, const Node& node) { out.add(node.op, node, out.inputs(node), out.outputs(node), out.attrs(node)); }

void identity(OnnxBuilder& out, const Node& node) { out.add("Identity", node, out.inputs(node, 1), out.outputs(node)); }

// An attribute of ours that is an input there.
Lowering list_as_input(const char* name) {
  return [name](OnnxBuilder& out, const Node& node) {
    Names inputs = out.inputs(node, 1);
    if (node.attrs.has(name)) inputs.push_back(out.ints(node, name, node.attrs.integers(name)));
    out.add(node.op, node, inputs, out.outputs(node), out.attrs(node, {name}));
  };
}

void reduce(OnnxBuilder& out, const Node& node) {
  const bool as_input = node.op == "ReduceSum" || out.opset() >= 18;
  const bool all = node.attrs.integers("axes", {}).empty();
  if (as_input && !all) return list_as_input("axes")(out, node);
  out.add(node.op, node, out.inputs(node), out.outputs(node), out.attrs(node, all ? std::set<std::string>{"axes"} : std::set<std::string>{}));
}

void reshape_like(OnnxBuilder& out, const Node& node) {
  if (!node.attrs.has("shape")) return same(out, node);
  const bool zeros = node.attrs.integer("allowzero", 0) != 0;
  PARE_CHECK(!zeros || out.opset() >= 14, ModelError, "[onnx export] \"{}\": allowzero needs opset 14", node.name);
  OnnxAttrs attrs;
  if (zeros) attrs["allowzero"] = int64_t{1};
  out.add(node.op, node, {out.input(node, 0), out.ints(node, "shape", node.attrs.integers("shape"))}, out.outputs(node), attrs);
}

void clip(OnnxBuilder& out, const Node& node) {
  Names inputs = {out.input(node, 0)};
  for (const char* bound : {"min", "max"})
    inputs.push_back(node.attrs.has(bound) ? out.scalar(node, bound, node.attrs.number(bound), out.dtype(node, 0)) : "");
  while (inputs.back().empty()) inputs.pop_back();
  out.add("Clip", node, inputs, out.outputs(node));
}

void pad(OnnxBuilder& out, const Node& node) {
  Names inputs = {out.input(node, 0), out.ints(node, "pads", node.attrs.integers("pads"))};
  if (node.attrs.number("value", 0.0) != 0.0)
    inputs.push_back(out.scalar(node, "value", node.attrs.number("value"), out.dtype(node, 0)));
  out.add("Pad", node, inputs, out.outputs(node), out.attrs(node, {"pads", "value"}));
}

void slice(OnnxBuilder& out, const Node& node) {
  const auto starts = node.attrs.integers("starts");
  std::vector<int64_t> first(starts.size());
  for (size_t i = 0; i < first.size(); ++i) first[i] = static_cast<int64_t>(i);
  Names inputs = {out.input(node, 0), out.ints(node, "starts", starts), out.ints(node, "ends", node.attrs.integers("ends")),
                  out.ints(node, "axes", node.attrs.integers("axes", first))};
  if (node.attrs.has("steps")) inputs.push_back(out.ints(node, "steps", node.attrs.integers("steps")));
  out.add("Slice", node, inputs, out.outputs(node));
}

void split(OnnxBuilder& out, const Node& node) {
  const auto axis = static_cast<size_t>(wrapped(node.attrs.integer("axis", 0), out.shape(node, 0).size()));
  std::vector<int64_t> sizes;
  for (ValueId id : node.outputs) {
    const auto size = out.graph().value(id).shape->at(axis).maybe_value();
    PARE_CHECK(size, ModelError, "[onnx export] \"{}\": expected constant split sizes", node.name);
    sizes.push_back(*size);
  }
  out.add("Split", node, {out.input(node, 0), out.ints(node, "split", sizes)}, out.outputs(node), out.attrs(node, {"split"}));
}

void cast(OnnxBuilder& out, const Node& node) {
  DType dtype = DType::kF32;
  parse_dtype(node.attrs.text("to", ""), dtype);
  out.add("Cast", node, out.inputs(node), out.outputs(node), {{"to", int64_t{onnx::element_type_of(dtype)}}});
}

void top_k(OnnxBuilder& out, const Node& node) {
  out.add("TopK", node, {out.input(node, 0), out.ints(node, "k", {node.attrs.integer("k")})}, out.outputs(node), out.attrs(node, {"k"}));
}

void shape_of(OnnxBuilder& out, const Node& node) {
  if (out.opset() >= 15 || (!node.attrs.has("start") && !node.attrs.has("end"))) return same(out, node);
  const std::string whole = out.step("Shape", node, out.inputs(node));
  const auto rank = static_cast<int64_t>(out.shape(node, 0).size());
  out.add("Slice", node, {whole, out.ints(node, "start", {node.attrs.integer("start", 0)}),
                          out.ints(node, "end", {node.attrs.integer("end", rank)})}, out.outputs(node));
}

void average_pool(OnnxBuilder& out, const Node& node) {
  if (out.opset() >= 19) return same(out, node);
  for (int64_t d : node.attrs.integers("dilations", {}))
    PARE_CHECK(d == 1, ModelError, "[onnx export] \"{}\": a dilated AveragePool needs opset 19", node.name);
  out.add(node.op, node, out.inputs(node), out.outputs(node), out.attrs(node, {"dilations"}));
}

void quantize(OnnxBuilder& out, const Node& node) {
  const DType integer = node.op == "QuantizeLinear" ? out.graph().value(node.outputs[0]).dtype : out.dtype(node, 0);
  PARE_CHECK(size_of(integer) != 2 || out.opset() >= 21, ModelError, "[onnx export] \"{}\": 16-bit integers need opset 21", node.name);
  Names inputs = {out.input(node, 0), out.quant_input(node, 1)};
  if (const std::string zero = out.quant_input(node, 2); !zero.empty()) inputs.push_back(zero);
  const bool whole = out.shape(node, 1).empty() || out.shape(node, 1) == DimShape{Dim(1)};
  out.add(node.op, node, inputs, out.outputs(node), whole ? OnnxAttrs{} : out.attrs(node));
}

// Sizes with -1 for dims that stay: an input of their own from opset 18 on, computed from the shape before.
void resize(OnnxBuilder& out, const Node& node) {
  OnnxAttrs attrs = out.attrs(node, {"scales", "sizes"});
  const std::string x = out.input(node, 0);
  if (node.attrs.has("scales")) {
    std::vector<float> scales;
    for (double s : node.attrs.numbers("scales")) scales.push_back(static_cast<float>(s));
    const auto count = static_cast<int64_t>(scales.size());
    return out.add("Resize", node, {x, "", out.tensor(node, "scales", Tensor::of(scales, {count}))}, out.outputs(node), attrs);
  }
  auto sizes = node.attrs.integers("sizes");
  const DimShape& shape = out.shape(node, 0);
  Names parts;
  bool dynamic = false;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == -1) sizes[i] = shape[i].maybe_value().value_or(-1);
    dynamic = dynamic || sizes[i] == -1;
  }
  std::string target;
  if (dynamic) {
    const std::string whole = out.step("Shape", node, {x});
    for (size_t i = 0; i < sizes.size(); ++i) {
      const auto at = static_cast<int64_t>(i);
      parts.push_back(sizes[i] != -1 ? out.ints(node, "size", {sizes[i]})
                                     : out.step("Slice", node, {whole, out.ints(node, "from", {at}), out.ints(node, "to", {at + 1})}));
    }
    target = out.step("Concat", node, parts, {{"axis", int64_t{0}}});
  } else {
    target = out.ints(node, "sizes", sizes);
  }
  out.add("Resize", node, {x, "", "", target}, out.outputs(node), attrs);
}

void silu(OnnxBuilder& out, const Node& node) {
  const std::string x = out.input(node, 0);
  out.add("Mul", node, {x, out.step("Sigmoid", node, {x})}, out.outputs(node));
}

void hard_swish(OnnxBuilder& out, const Node& node) {
  if (out.opset() >= 14) return same(out, node);
  const std::string x = out.input(node, 0);
  out.add("Mul", node, {x, out.step("HardSigmoid", node, {x}, {{"alpha", 1.0 / 6.0}, {"beta", 0.5}})}, out.outputs(node));
}

// Hendrycks and Gimpel, 2016: x/2 (1 + erf(x/sqrt 2)), or the tanh approximation.
void gelu(OnnxBuilder& out, const Node& node) {
  if (out.opset() >= 20) return same(out, node);
  const std::string x = out.input(node, 0);
  const DType dtype = out.dtype(node, 0);
  const auto number = [&](const char* what, double value) { return out.scalar(node, what, value, dtype); };
  std::string inner;
  if (node.attrs.text("approximate", "none") == "tanh") {
    const std::string cube = out.step("Mul", node, {out.step("Mul", node, {x, x}), x});
    const std::string sum = out.step("Add", node, {x, out.step("Mul", node, {cube, number("cubic", 0.044715)})});
    inner = out.step("Tanh", node, {out.step("Mul", node, {sum, number("rate", std::sqrt(2.0 / std::numbers::pi))})});
  } else {
    inner = out.step("Erf", node, {out.step("Mul", node, {x, number("rate", std::sqrt(0.5))})});
  }
  const std::string gate = out.step("Mul", node, {out.step("Add", node, {inner, number("one", 1.0)}), number("half", 0.5)});
  out.add("Mul", node, {x, gate}, out.outputs(node));
}

std::vector<int64_t> axes_from(const OnnxBuilder& out, const Node& node) {
  const size_t rank = out.shape(node, 0).size();
  std::vector<int64_t> axes;
  for (int64_t i = wrapped(node.attrs.integer("axis", -1), rank); i < static_cast<int64_t>(rank); ++i) axes.push_back(i);
  return axes;
}

std::string mean(OnnxBuilder& out, const Node& node, const std::string& x, const std::vector<int64_t>& axes) {
  if (out.opset() >= 18) return out.step("ReduceMean", node, {x, out.ints(node, "axes", axes)});
  return out.step("ReduceMean", node, {x}, {{"axes", axes}});
}

// x / sqrt(mean(x^2) + epsilon)
std::string over_rms(OnnxBuilder& out, const Node& node, const std::string& x) {
  const std::string square = mean(out, node, out.step("Mul", node, {x, x}), axes_from(out, node));
  const std::string epsilon = out.scalar(node, "epsilon", node.attrs.number("epsilon", 1e-5), out.dtype(node, 0));
  return out.step("Div", node, {x, out.step("Sqrt", node, {out.step("Add", node, {square, epsilon})})});
}

// Ba et al., 2016.
void layer_norm(OnnxBuilder& out, const Node& node) {
  if (out.opset() >= 17) return same(out, node);
  const std::string x = out.input(node, 0), bias = out.input(node, 2);
  const std::string centred = out.step("Sub", node, {x, mean(out, node, x, axes_from(out, node))});
  Names last = {over_rms(out, node, centred), out.input(node, 1)};
  if (!bias.empty()) last = {out.step("Mul", node, last), bias};
  out.add(bias.empty() ? "Mul" : "Add", node, last, out.outputs(node));
}

// Zhang and Sennrich, 2019; ONNX has it from opset 23 on.
void rms_norm(OnnxBuilder& out, const Node& node) {
  out.add("Mul", node, {over_rms(out, node, out.input(node, 0)), out.input(node, 1)}, out.outputs(node));
}

// Wu and He, 2018: instance normalization of [N, groups, rest]. Up to opset 20 ONNX scaled groups, not channels.
void group_norm(OnnxBuilder& out, const Node& node) {
  if (out.opset() >= 21) return same(out, node);
  const std::string x = out.input(node, 0);
  const DimShape& shape = out.shape(node, 0);
  const int64_t groups = node.attrs.integer("num_groups");
  const auto filled = [&](const char* what, float value) {
    return out.tensor(node, what, Tensor::of(std::vector<float>(static_cast<size_t>(groups), value), {groups}).to(out.dtype(node, 0)));
  };
  const std::string grouped = out.step("Reshape", node, {x, out.ints(node, "groups", {0, groups, -1})});
  const std::string normal = out.step("InstanceNormalization", node, {grouped, filled("ones", 1.0f), filled("zeros", 0.0f)},
                                      {{"epsilon", node.attrs.number("epsilon", 1e-5)}});
  const auto rest = constant_dims({shape.begin() + 1, shape.end()});
  std::vector<int64_t> back = {0};
  if (rest) back.insert(back.end(), rest->begin(), rest->end());
  const std::string target = rest ? out.ints(node, "back", back) : out.step("Shape", node, {x});
  std::string y = out.step("Reshape", node, {normal, target});
  std::vector<int64_t> column(shape.size() - 1, 1);  // [C, 1, ...]
  column[0] = -1;
  const std::string per_channel = out.ints(node, "column", column);
  y = out.step("Mul", node, {y, out.step("Reshape", node, {out.input(node, 1), per_channel})});
  out.add("Add", node, {y, out.step("Reshape", node, {out.input(node, 2), per_channel})}, out.outputs(node));
}

void batch_norm(OnnxBuilder& out, const Node& node) {
  out.add(node.op, node, out.inputs(node), out.outputs(node), out.attrs(node, {"momentum"}));
}

// Operators with the same form in opset 13 to 21.
constexpr const char* kSame[] = {
    "Abs", "Add", "And", "ArgMax", "Ceil", "Concat", "Conv", "ConvTranspose", "DepthToSpace", "Div", "Elu", "Equal", "Erf",
    "Exp", "Flatten", "Floor", "Gather", "Gemm", "GlobalAveragePool", "Greater", "HardSigmoid", "Identity",
    "InstanceNormalization", "LeakyRelu", "Less", "Log", "LogSoftmax", "MatMul", "Max", "MaxPool", "Min", "Mul", "Neg", "Not",
    "Or", "PRelu", "Pow", "Reciprocal", "Relu", "Round", "Sigmoid", "Softmax", "Softplus", "Sqrt", "Sub", "Tanh",
    "Transpose", "Where"};

std::map<std::string, Lowering> make_table() {
  std::map<std::string, Lowering> table = {
      {"AveragePool", average_pool}, {"BatchNormalization", batch_norm}, {"Cast", cast}, {"Clip", clip},
      {"DequantizeLinear", quantize}, {"Dropout", identity}, {"Expand", reshape_like}, {"Gelu", gelu},
      {"GroupNormalization", group_norm}, {"HardSwish", hard_swish}, {"LayerNormalization", layer_norm}, {"Pad", pad},
      {"QuantizeLinear", quantize}, {"RMSNormalization", rms_norm}, {"ReduceMax", reduce}, {"ReduceMean", reduce},
      {"ReduceMin", reduce}, {"ReduceSum", reduce}, {"Reshape", reshape_like}, {"Resize", resize}, {"Shape", shape_of},
      {"Slice", slice}, {"Split", split}, {"Squeeze", list_as_input("axes")}, {"Tile", list_as_input("repeats")},
      {"TopK", top_k}, {"Unsqueeze", list_as_input("axes")}, {"pare.Silu", silu}};
  for (const char* name : kSame) table.emplace(name, same);
  return table;
}

}  // namespace

bool lower_to_onnx(OnnxBuilder& out, const Node& node) {
  static const std::map<std::string, Lowering> kTable = make_table();
  const auto found = kTable.find(node.op);
  if (found == kTable.end()) return false;
  found->second(out, node);
  return true;
}

}  // namespace pare
