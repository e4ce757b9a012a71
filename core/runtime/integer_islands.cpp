#include "core/runtime/integer_islands.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "core/base/quant_math.h"
#include "core/runtime/integer_weights.h"
#include "core/runtime/plan_graph.h"

namespace pare {
namespace {

// Scale and zero point of a tensor of bytes, from the node that made or reads it.
struct Bytes {
  float scale = 1.0f;
  int32_t zero_point = 0;
  DType dtype = DType::kU8;
  bool operator==(const Bytes&) const = default;
  QRange range() const { return dtype == DType::kU8 ? QRange{0, 255} : QRange{-128, 127}; }
};

class Islands {
 public:
  Islands(Graph& graph, Weights& weights) : graph_(graph), weights_(weights) {}

  void run() {
    sink_dequantize();
    for (NodeId id : std::vector<NodeId>(graph_.order())) {
      if (graph_.node(id).op == "QuantizeLinear") fuse(graph_.node(id));
    }
  }

 private:
  const Node* producer(ValueId id, const char* op) const {
    if (id == kNoValue || graph_.value(id).producer == kNoNode) return nullptr;
    const Node& node = graph_.node(graph_.value(id).producer);
    return op == nullptr || node.op == op ? &node : nullptr;
  }

  Shape shape(ValueId id) const { return evaluate(*graph_.value(id).shape, {}); }

  // Parameters of a QuantizeLinear or DequantizeLinear over bytes with one constant scale.
  std::optional<Bytes> bytes_of(const Node& node) const {
    const bool quantizes = node.op == "QuantizeLinear";
    Bytes bytes;
    bytes.dtype = graph_.value(quantizes ? node.outputs[0] : node.inputs[0]).dtype;
    if (bytes.dtype != DType::kU8 && bytes.dtype != DType::kI8) return std::nullopt;
    const Value& scale = graph_.value(node.inputs[1]);
    if (!scale.is_constant() || scale.dtype != DType::kF32 || numel_of(shape(scale.id)) != 1) return std::nullopt;
    bytes.scale = weights_.dense(scale.name).data<float>()[0];
    if (!(bytes.scale > 0.0f) || !std::isfinite(bytes.scale)) return std::nullopt;
    if (node.inputs.size() < 3 || node.inputs[2] == kNoValue) return bytes;
    const Value& zero = graph_.value(node.inputs[2]);
    if (!zero.is_constant() || zero.dtype != bytes.dtype || numel_of(shape(zero.id)) != 1) return std::nullopt;
    bytes.zero_point = static_cast<int32_t>(weights_.dense(zero.name).to_ints()[0]);
    return bytes;
  }

  // The DequantizeLinear that makes a value, if its bytes can be used instead.
  const Node* dequantizer(ValueId id, Bytes& bytes) const {
    const Node* node = producer(id, "DequantizeLinear");
    if (!node) return nullptr;
    const auto found = bytes_of(*node);
    if (found) bytes = *found;
    return found ? node : nullptr;
  }

  // Whether a node only moves elements (or takes their maximum), so that it may as well move bytes.
  bool moves(const Node& node) const {
    static const std::set<std::string> kMoves = {"MaxPool", "Reshape",   "Flatten",  "Transpose", "Slice",    "Pad",
                                                 "Split",   "Squeeze",   "Unsqueeze", "Identity", "Dropout", "Concat",
                                                 "Gather",  "DepthToSpace", "Expand", "Tile",     "Resize"};
    if (!kMoves.count(node.op)) return false;
    if (node.op == "Resize") return node.attrs.text("mode", "nearest") == "nearest";
    return node.op != "Pad" || node.attrs.number("value", 0.0) == 0.0;
  }

  // Moves DequantizeLinear behind nodes that move elements: maximum and movement commute with it exactly.
  void sink_dequantize() {
    for (NodeId id : std::vector<NodeId>(graph_.order())) {
      if (!moves(graph_.node(id))) continue;
      const size_t moved = graph_.node(id).op == "Concat" ? graph_.node(id).inputs.size() : 1;
      Bytes first;
      const Node* source = dequantizer(graph_.node(id).inputs[0], first);
      bool alike = source != nullptr;
      for (size_t i = 1; alike && i < moved; ++i) {
        Bytes other;
        alike = dequantizer(graph_.node(id).inputs[i], other) != nullptr && other == first;
      }
      if (alike) sink(id, moved, *source, first);
    }
  }

  void sink(NodeId id, size_t moved, const Node& source, const Bytes& bytes) {
    const std::vector<ValueId> params(source.inputs.begin() + 1, source.inputs.end());
    Node& node = graph_.node(id);
    for (size_t i = 0; i < moved; ++i) node.inputs[i] = producer(node.inputs[i], "DequantizeLinear")->inputs[0];
    // Zero is stored as the zero point.
    if (node.op == "Pad") node.attrs.set("value", static_cast<double>(bytes.zero_point));
    for (ValueId output : std::vector<ValueId>(node.outputs)) {
      graph_.value(output).dtype = bytes.dtype;
      std::vector<ValueId> inputs = {output};
      inputs.insert(inputs.end(), params.begin(), params.end());
      const ValueId result = insert_after(graph_, id, "DequantizeLinear", graph_.value(output).name + ".float", inputs, {},
                                          DType::kF32, *graph_.value(output).shape);
      graph_.replace_uses(output, result);
      graph_.node(graph_.value(result).producer).inputs[0] = output;
    }
  }

  static void set_params(Attrs& attrs, const std::string& prefix, const Bytes& bytes) {
    attrs.set(prefix + "_scale", static_cast<double>(bytes.scale));
    attrs.set(prefix + "_zero_point", static_cast<int64_t>(bytes.zero_point));
  }

  // Bounds of the stored result under a Relu or Clip: quantization is monotone, so clipping commutes with it.
  static QRange clipped(const Node* activation, const Bytes& y) {
    QRange range = y.range();
    if (!activation) return range;
    const bool relu = activation->op == "Relu";
    const double infinity = std::numeric_limits<double>::infinity();
    const double low = relu ? 0.0 : activation->attrs.number("min", -infinity);
    const double high = relu ? infinity : activation->attrs.number("max", infinity);
    range.low = quantize(static_cast<float>(low), y.scale, y.zero_point, y.range());
    range.high = quantize(static_cast<float>(high), y.scale, y.zero_point, y.range());
    return range;
  }

  void fuse(const Node& quantizer) {
    const auto y = bytes_of(quantizer);
    if (!y) return;
    ValueId value = quantizer.inputs[0];
    Bytes x;
    if (const Node* source = dequantizer(value, x)) return fuse_requantize(quantizer, *source, x, *y);
    const Node* activation = producer(value, "Relu");
    if (!activation) activation = producer(value, "Clip");
    if (activation) {
      if (!is_inner(graph_, value)) return;
      value = activation->inputs[0];
    }
    const Node* node = producer(value, nullptr);
    if (!node || !is_inner(graph_, value)) return;
    Attrs attrs;
    set_params(attrs, "y", *y);
    const QRange range = clipped(activation, *y);
    attrs.set("low", static_cast<int64_t>(range.low));
    attrs.set("high", static_cast<int64_t>(range.high));
    if (node->op == "Conv" || node->op == "Gemm" || node->op == "MatMul") return fuse_product(quantizer, *node, attrs);
    if (node->op == "Add") return fuse_add(quantizer, *node, attrs);
    if (node->op == "GlobalAveragePool") fuse_pool(quantizer, *node, attrs);
  }

  void fuse_requantize(const Node& quantizer, const Node& source, const Bytes& x, const Bytes& y) {
    if (x == y) return graph_.replace_uses(quantizer.outputs[0], source.inputs[0]);
    Attrs attrs;
    set_params(attrs, "x", x);
    set_params(attrs, "y", y);
    replace(quantizer, "Requantize", quantizer.name, {source.inputs[0]}, attrs);
  }

  // The new node stands before the quantizer and takes over its output.
  void replace(const Node& quantizer, const std::string& op, const std::string& name, std::vector<ValueId> inputs,
               const Attrs& attrs) {
    const ValueId old = quantizer.outputs[0];
    const ValueId result = insert_after(graph_, quantizer.id, kPlanDomain + ("QLinear" + op), name + ".int", std::move(inputs), attrs,
                                        graph_.value(old).dtype, *graph_.value(old).shape);
    graph_.replace_uses(old, result);
  }

  void fuse_product(const Node& quantizer, const Node& node, Attrs attrs) {
    Bytes x;
    const Node* source = dequantizer(node.inputs[0], x);
    if (!source || !has_integer_operands(node, x)) return;
    set_params(attrs, "x", x);
    for (const char* name : {"group", "strides", "dilations", "pads", "kernel_shape", "transB"}) {
      if (node.attrs.has(name)) attrs.set(name, node.attrs.map().at(name));
    }
    std::vector<ValueId> inputs = node.inputs;
    inputs[0] = source->inputs[0];
    replace(quantizer, node.op, node.name, std::move(inputs), attrs);
  }

  bool has_integer_operands(const Node& node, const Bytes& x) const {
    const Value& weight = graph_.value(node.inputs[1]);
    if (!weight.is_constant()) return false;
    const bool matrix = node.op != "Conv";
    if (matrix && shape(weight.id).size() != 2) return false;
    if (node.op == "Gemm" && (node.attrs.integer("transA", 0) != 0 || node.attrs.number("alpha", 1.0) != 1.0 ||
                              node.attrs.number("beta", 1.0) != 1.0)) return false;
    const int64_t axis = matrix && node.attrs.integer("transB", 0) == 0 ? 1 : 0;
    if (!has_integer_filters(weights_.encoded(weight.name), axis)) return false;
    const EncodedTensor& encoded = weights_.encoded(weight.name);
    const std::vector<float> scales = filter_scales(encoded, axis);
    std::vector<int32_t> bias(scales.size());
    if (node.inputs.size() > 2 && node.inputs[2] != kNoValue) {
      const Value& constant = graph_.value(node.inputs[2]);
      if (!constant.is_constant() || numel_of(shape(constant.id)) != static_cast<int64_t>(scales.size()))
        return false;
      bias = integer_bias(weights_, constant.name, x.scale, scales);
    }
    if (bias.size() != scales.size()) return false;
    return all_sums_fit(filter_depth(encoded, axis), bias, 255) ||
           sums_fit(integer_filters(weights_, weight.name, axis), bias, 255);
  }

  void fuse_add(const Node& quantizer, const Node& node, Attrs attrs) {
    Bytes a, b;
    const Node *left = dequantizer(node.inputs[0], a), *right = dequantizer(node.inputs[1], b);
    if (!left || !right || shape(node.inputs[0]) != shape(node.inputs[1])) return;
    set_params(attrs, "a", a);
    set_params(attrs, "b", b);
    replace(quantizer, "Add", node.name, {left->inputs[0], right->inputs[0]}, attrs);
  }

  void fuse_pool(const Node& quantizer, const Node& node, Attrs attrs) {
    Bytes x;
    const Node* source = dequantizer(node.inputs[0], x);
    const Shape in = shape(node.inputs[0]);
    if (!source || in.size() < 3 || numel_of(Shape(in.begin() + 2, in.end())) >= (int64_t{1} << 22)) return;
    set_params(attrs, "x", x);
    replace(quantizer, "GlobalAveragePool", node.name, {source->inputs[0]}, attrs);
  }

  Graph& graph_;
  Weights& weights_;
};

}  // namespace

void fuse_integer_islands(Graph& graph, Weights& weights) { Islands(graph, weights).run(); }

}  // namespace pare
