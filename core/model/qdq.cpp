#include "core/model/qdq.h"

#include <algorithm>
#include <set>

namespace pare {
namespace {

constexpr const char* kFakeQuant = "pare.FakeQuant";

std::vector<NodeId> nodes_of(const Graph& graph, const std::string& op) {
  std::vector<NodeId> out;
  for (NodeId id : graph.order())
    if (graph.node(id).op == op) out.push_back(id);
  return out;
}

DType integer_type(const Node& node) {
  const int64_t bits = node.attrs.integer("bits", 8);
  const bool is_signed = node.attrs.integer("signed", 0) != 0;
  PARE_CHECK(bits == 8 || bits == 16, ModelError,
             "[freeze {}] expected activations of 8 or 16 bits, got {}: QuantizeLinear has no such type", node.name, bits);
  if (bits == 8) return is_signed ? DType::kI8 : DType::kU8;
  return is_signed ? DType::kI16 : DType::kU16;
}

void retype(Graph& graph, ConstantStore& constants, ValueId id, DType dtype) {
  Value& value = graph.value(id);
  const Tensor& old = constants.get(value.name);
  Tensor converted = old.to(dtype);
  PARE_CHECK(converted.to_ints() == old.to_ints(), ModelError, "[freeze] expected the zero point \"{}\" in the range of {}",
             value.name, dtype);
  constants.set(value.name, std::move(converted));
  value.dtype = dtype;
}

// A Quantize/Dequantize pair of constant parameters whose integers only the second node reads.
struct Pair {
  NodeId quantize = kNoNode, dequantize = kNoNode;
  ValueId scale = kNoValue, zero_point = kNoValue;
};

std::vector<Pair> pairs_of(const Graph& graph, const UseIndex& uses) {
  std::vector<Pair> out;
  for (NodeId id : nodes_of(graph, "DequantizeLinear")) {
    const Node& node = graph.node(id);
    const NodeId producer = graph.value(node.inputs[0]).producer;
    if (producer == kNoNode || graph.node(producer).op != "QuantizeLinear" || node.inputs.size() < 3) continue;
    const Node& quantize = graph.node(producer);
    const bool same = quantize.inputs.size() == 3 && quantize.inputs[1] == node.inputs[1] &&
                      quantize.inputs[2] == node.inputs[2] && node.inputs[2] != kNoValue &&
                      quantize.attrs.integer("axis", 1) == node.attrs.integer("axis", 1);
    if (!same || uses.users(node.inputs[0]).size() != 1 || graph.is_output(node.inputs[0])) continue;
    const bool constant = graph.value(node.inputs[1]).is_constant() && graph.value(node.inputs[2]).is_constant();
    if (constant) out.push_back({producer, id, node.inputs[1], node.inputs[2]});
  }
  return out;
}

// A zero point changes its type, so whoever reads it must change too.
void drop_shared_with_others(std::vector<Pair>& pairs, const UseIndex& uses) {
  std::set<NodeId> nodes;
  for (const Pair& pair : pairs) nodes.insert({pair.quantize, pair.dequantize});
  const auto shared = [&](const Pair& pair) {
    const auto& users = uses.users(pair.zero_point);
    return !std::all_of(users.begin(), users.end(), [&](NodeId user) { return nodes.count(user) != 0; });
  };
  pairs.erase(std::remove_if(pairs.begin(), pairs.end(), shared), pairs.end());
}

}  // namespace

void fake_quant_to_qdq(Graph& graph, ConstantStore& constants) {
  for (NodeId id : nodes_of(graph, kFakeQuant)) {
    Node& node = graph.node(id);
    const ValueId x = node.inputs[0], scale = node.inputs[1], zero_point = node.inputs[2];
    const DType type = integer_type(node);
    const DType held = graph.value(zero_point).dtype;
    PARE_CHECK(held == DType::kI32 || held == type, ModelError, "[freeze {}] its zero point is shared with another format",
               node.name);
    if (held != type) retype(graph, constants, zero_point, type);
    Attrs attrs;
    if (constants.get(graph.value(scale).name).numel() > 1) attrs.set("axis", node.attrs.integer("axis", -1));
    const std::string name = graph.free_name(node.name + ".q");
    const NodeId quantize = graph.add_node("QuantizeLinear", name, {x, scale, zero_point}, attrs);
    graph.move_before(quantize, id);
    Node& dequantize = graph.node(id);
    dequantize.op = "DequantizeLinear";
    dequantize.inputs = {graph.node(quantize).outputs[0], scale, zero_point};
    dequantize.attrs = attrs;
  }
}

void qdq_to_fake_quant(Graph& graph, ConstantStore& constants) {
  const UseIndex uses(graph);
  std::vector<Pair> pairs = pairs_of(graph, uses);
  drop_shared_with_others(pairs, uses);
  for (const Pair& pair : pairs) {
    // The quantizer still has the type that the file gave; the zero point may have been widened for a pair before.
    const DType type = graph.value(graph.node(pair.quantize).outputs[0]).dtype;
    const bool is_signed = type == DType::kI8 || type == DType::kI16;
    const bool per_axis = constants.get(graph.value(pair.scale).name).numel() > 1;
    Node& node = graph.node(pair.dequantize);
    const int64_t axis = per_axis ? node.attrs.integer("axis", 1) : -1;
    node.op = kFakeQuant;
    node.inputs = {graph.node(pair.quantize).inputs[0], pair.scale, pair.zero_point};
    node.attrs = {{"bits", 8 * size_of(type)}, {"signed", int64_t{is_signed}}, {"symmetric", int64_t{0}}, {"axis", axis}};
    if (graph.value(pair.zero_point).dtype != DType::kI32) retype(graph, constants, pair.zero_point, DType::kI32);
    graph.erase_node(pair.quantize);
  }
}

}  // namespace pare
