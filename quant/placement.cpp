#include "quant/placement.h"

#include <algorithm>
#include <map>

namespace pare {
namespace {

const std::set<std::string> kHeavy = {"Conv", "ConvTranspose", "Gemm", "MatMul"};
// Operators that compute on integers only when both sides are integers anyway.
const std::set<std::string> kLight = {"Add",     "MaxPool", "AveragePool", "GlobalAveragePool", "Concat",  "Slice",
                                      "Pad",     "Reshape", "Flatten",     "Transpose",         "Squeeze", "Unsqueeze",
                                      "Relu",    "Clip",    "DepthToSpace"};
// Operators whose output holds the input's numbers: one scale for both sides.
const std::set<std::string> kMoves = {"MaxPool",   "Slice",   "Pad",       "Reshape",     "Flatten",
                                      "Transpose", "Squeeze", "Unsqueeze", "DepthToSpace"};
const std::set<std::string> kActivations = {"Relu", "Clip"};

class Placer {
 public:
  Placer(const Graph& graph, const std::set<NodeId>& skip) : graph_(graph), uses_(graph), skip_(skip) {}

  QuantPlan run() {
    find_integer_nodes();
    for (NodeId id : graph_.order())
      if (heavy(graph_.node(id)) && integer_.count(id)) add_weight(graph_.node(id));
    for (ValueId id : graph_.values())
      if (wants_edge(id)) plan_.edges.push_back({id, static_cast<int64_t>(plan_.edges.size())});
    share_scales();
    return std::move(plan_);
  }

 private:
  bool heavy(const Node& node) const { return kHeavy.count(node.op) != 0; }

  bool float_activation(ValueId id) const {
    return id != kNoValue && !graph_.value(id).is_constant() && graph_.value(id).dtype == DType::kF32;
  }

  // Every data input of a light operator must be an activation: an Add of a constant stays float.
  bool light_candidate(const Node& node) const {
    if (!kLight.count(node.op)) return false;
    const size_t data = node.op == "Add" || node.op == "Concat" ? node.inputs.size() : 1;
    for (size_t i = 0; i < data; ++i)
      if (!float_activation(node.inputs[i])) return false;
    return node.op != "Pad" || node.attrs.number("value", 0.0) == 0.0;
  }

  bool weight_is_constant(const Node& node) const {
    return node.inputs.size() > 1 && node.inputs[1] != kNoValue && graph_.value(node.inputs[1]).is_constant();
  }

  bool fed_by_integers(const Node& node) const {
    return std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) {
      return float_activation(id) && (graph_.value(id).producer == kNoNode || integer_.count(graph_.value(id).producer));
    });
  }

  bool read_by_integers_only(const Node& node) const {
    for (ValueId out : node.outputs) {
      if (graph_.is_output(out)) return false;
      const auto& users = uses_.users(out);
      if (users.empty()) return false;
      for (NodeId user : users)
        if (!integer_.count(user)) return false;
    }
    return true;
  }

  // An activation directly behind an integer operator is absorbed by it, whoever reads it.
  bool absorbed(const Node& node) const {
    if (!kActivations.count(node.op) || node.inputs[0] == kNoValue) return false;
    const NodeId producer = graph_.value(node.inputs[0]).producer;
    return producer != kNoNode && integer_.count(producer) && heavy(graph_.node(producer)) &&
           uses_.users(node.inputs[0]).size() == 1;
  }

  bool heavy_candidate(const Node& node) const {
    if (!float_activation(node.inputs[0])) return false;
    if (node.op == "MatMul") return weight_is_constant(node) || float_activation(node.inputs[1]);
    const bool plain_gemm = node.op != "Gemm" || (node.attrs.number("alpha", 1.0) == 1.0 &&
                                                  node.attrs.number("beta", 1.0) == 1.0 && !node.attrs.integer("transA", 0));
    return plain_gemm && weight_is_constant(node);
  }

  void find_integer_nodes() {
    for (NodeId id : graph_.order()) {
      const Node& node = graph_.node(id);
      if (skip_.count(id)) continue;
      if (heavy(node) ? heavy_candidate(node) : light_candidate(node)) integer_.insert(id);
    }
    for (bool changed = true; changed;) {  // drop light operators with a float neighbour until nothing changes
      changed = false;
      for (NodeId id : graph_.order()) {
        const Node& node = graph_.node(id);
        if (!integer_.count(id) || heavy(node)) continue;
        if (fed_by_integers(node) && (read_by_integers_only(node) || absorbed(node))) continue;
        integer_.erase(id);
        changed = true;
      }
    }
  }

  void add_weight(const Node& node) {
    if (!weight_is_constant(node)) return;
    QuantWeight weight{.node = node.id, .param = graph_.value(node.inputs[1]).name, .input = node.inputs[0]};
    const int64_t rank = static_cast<int64_t>(graph_.value(node.inputs[1]).shape.value_or(DimShape{}).size());
    if (node.op == "MatMul") weight.axis = rank - 1;
    if (node.op == "Gemm") weight.axis = node.attrs.integer("transB", 0) ? 0 : 1;
    if (node.op == "ConvTranspose") weight.axis = node.attrs.integer("group", 1) == 1 ? 1 : -1;
    if (node.inputs.size() > 2 && node.inputs[2] != kNoValue) weight.bias = graph_.value(node.inputs[2]).name;
    plan_.weights.push_back(std::move(weight));
  }

  // True when the only reader is an activation that belongs to the producer's integer kernel.
  bool passes_into_activation(ValueId id) const {
    const auto& users = uses_.users(id);
    return users.size() == 1 && kActivations.count(graph_.node(users[0]).op) && integer_.count(users[0]) &&
           graph_.value(id).producer != kNoNode && integer_.count(graph_.value(id).producer);
  }

  bool wants_edge(ValueId id) const {
    if (!float_activation(id) || passes_into_activation(id)) return false;
    const auto& users = uses_.users(id);
    if (std::any_of(users.begin(), users.end(), [&](NodeId user) { return integer_.count(user) != 0; })) return true;
    const NodeId producer = graph_.value(id).producer;
    return !users.empty() && !graph_.is_output(id) && producer != kNoNode && ends_convolution(graph_.node(producer));
  }

  // A convolution (or its activation) read by float operators only still runs in integers if its output is quantized.
  bool ends_convolution(const Node& node) const {
    if (!integer_.count(node.id)) return false;
    if (node.op == "Conv" || node.op == "ConvTranspose") return true;
    if (!absorbed(node)) return false;
    const Node& producer = graph_.node(graph_.value(node.inputs[0]).producer);
    return producer.op == "Conv" || producer.op == "ConvTranspose";
  }

  void share_scales() {
    std::map<ValueId, size_t> index;
    for (size_t i = 0; i < plan_.edges.size(); ++i) index[plan_.edges[i].value] = i;
    for (NodeId id : graph_.order()) {
      const Node& node = graph_.node(id);
      if (!integer_.count(id) || !kMoves.count(node.op)) continue;
      const auto from = index.find(node.inputs[0]), to = index.find(node.outputs[0]);
      if (from == index.end() || to == index.end()) continue;
      const int64_t keep = plan_.edges[from->second].share_group, drop = plan_.edges[to->second].share_group;
      for (QuantEdge& edge : plan_.edges)
        if (edge.share_group == drop) edge.share_group = keep;
    }
  }

  const Graph& graph_;
  UseIndex uses_;
  const std::set<NodeId>& skip_;
  std::set<NodeId> integer_;
  QuantPlan plan_;
};

}  // namespace

QuantPlan place_quantization(const Graph& graph, const std::set<NodeId>& skip) { return Placer(graph, skip).run(); }

}  // namespace pare
