#include "core/graph/passes/fold_batch_norm.h"

#include <cmath>

#include "core/graph/passes/remove_dead.h"

namespace pare {
namespace {

// y = x * scale + shift, per channel.
struct Affine {
  std::vector<double> scale, shift;
};

class Folder {
 public:
  explicit Folder(GraphWithConstants& model) : graph_(model.graph), constants_(model.constants), model_(model) {}

  Remap run() {
    const std::vector<NodeId> order = graph_.order();
    for (NodeId n : order) {
      const Node& node = graph_.node(n);
      if (node.op != "BatchNormalization" || !constant_parameters(node)) continue;
      const NodeId layer = foldable_producer(node);
      if (layer != kNoNode) fold_into(layer, n);
      else make_affine(n);
    }
    drop_unused_constants(model_, remap_);
    return std::move(remap_);
  }

 private:
  bool is_constant(ValueId id) const { return id != kNoValue && graph_.value(id).is_constant(); }
  const Tensor& tensor(ValueId id) const { return constants_.get(graph_.value(id).name); }

  bool constant_parameters(const Node& node) const {
    for (size_t i = 1; i < 5; ++i)
      if (!is_constant(node.inputs[i])) return false;
    return true;
  }

  Affine affine_of(const Node& bn) const {
    const double epsilon = bn.attrs.number("epsilon", 1e-5);
    const auto gamma = tensor(bn.inputs[1]).to_doubles(), beta = tensor(bn.inputs[2]).to_doubles();
    const auto mean = tensor(bn.inputs[3]).to_doubles(), variance = tensor(bn.inputs[4]).to_doubles();
    Affine out;
    for (size_t c = 0; c < gamma.size(); ++c) {
      PARE_CHECK(variance[c] + epsilon > 0.0, ModelError, "[fold_batch_norm \"{}\"] expected a positive variance, got {}",
                 bn.name, variance[c]);
      out.scale.push_back(gamma[c] / std::sqrt(variance[c] + epsilon));
      out.shift.push_back(beta[c] - mean[c] * out.scale.back());
    }
    return out;
  }

  // The layer whose only reader is this node, with a constant weight and a bias that we can scale.
  NodeId foldable_producer(const Node& bn) const {
    const Value& x = graph_.value(bn.inputs[0]);
    if (x.producer == kNoNode || graph_.is_output(x.id) || graph_.users(x.id).size() != 1) return kNoNode;
    const Node& layer = graph_.node(x.producer);
    const bool conv = layer.op == "Conv" || layer.op == "ConvTranspose";
    if (!(conv || layer.op == "Gemm") || !is_constant(layer.inputs[1])) return kNoNode;
    if (layer.inputs.size() > 2 && layer.inputs[2] != kNoValue) {
      const auto channels = tensor(bn.inputs[1]).numel();
      if (!is_constant(layer.inputs[2]) || tensor(layer.inputs[2]).shape() != Shape{channels}) return kNoNode;
    }
    return layer.id;
  }

  // Output channel of every element of the weight.
  static std::vector<size_t> channels_of(const Node& layer, const Shape& w) {
    const auto total = static_cast<size_t>(numel_of(w));
    std::vector<size_t> out(total);
    const size_t row = w[0] == 0 ? 0 : total / static_cast<size_t>(w[0]);
    if (layer.op == "ConvTranspose") {
      const auto groups = layer.attrs.integer("group", 1);
      const auto width = static_cast<size_t>(w[1]), rows = static_cast<size_t>(w[0] / groups);
      const size_t field = width == 0 ? 1 : row / width;
      for (size_t i = 0; i < total; ++i) out[i] = i / row / rows * width + i % row / field;
    } else {
      const bool rows_out = layer.op == "Conv" || layer.attrs.integer("transB", 0) != 0;
      for (size_t i = 0; i < total; ++i) out[i] = rows_out ? i / row : i % row;
    }
    return out;
  }

  static Tensor rounded(const std::vector<double>& values, const Shape& shape, DType dtype) {
    return Tensor::of<double>(values, shape).to(dtype);
  }

  // Gives the layer its new constant: under the old name where nothing else reads it, else under a free one.
  void replace_constant(NodeId layer, size_t input, Tensor value) {
    Node& node = graph_.node(layer);
    const ValueId old = node.inputs[input];
    if (graph_.users(old).size() == 1) {
      const std::string& name = graph_.value(old).name;
      constants_.set(name, std::move(value));
      remap_.entries[name] = {.kind = ParamRemap::Kind::kMerged};
      return;
    }
    node.inputs[input] = add_constant(graph_.value(old).name, graph_.value(old).role, std::move(value));
  }

  ValueId add_constant(const std::string& base, Role role, Tensor value) {
    const std::string name = graph_.find_value(base) == kNoValue ? base : graph_.free_name(base);
    const ValueId id = graph_.add_constant(name, role, value.dtype(), value.shape());
    constants_.set(name, std::move(value));
    remap_.entries[name] = {.kind = ParamRemap::Kind::kNew};
    return id;
  }

  void fold_into(NodeId layer_id, NodeId bn_id) {
    const Node& bn = graph_.node(bn_id);
    const Affine affine = affine_of(bn);
    Node& layer = graph_.node(layer_id);
    const Tensor weight = tensor(layer.inputs[1]);
    auto values = weight.to_doubles();
    const auto channels = channels_of(layer, weight.shape());
    for (size_t i = 0; i < values.size(); ++i) values[i] *= affine.scale.at(channels[i]);
    auto bias = affine.shift;
    const bool had_bias = layer.inputs.size() > 2 && layer.inputs[2] != kNoValue;
    if (had_bias) {
      const auto old = tensor(layer.inputs[2]).to_doubles();
      const double beta = layer.op == "Gemm" ? layer.attrs.number("beta", 1.0) : 1.0;
      for (size_t c = 0; c < bias.size(); ++c) bias[c] += beta * old[c] * affine.scale[c];
    }
    const Role role = graph_.value(bn.inputs[2]).role;
    replace_constant(layer_id, 1, rounded(values, weight.shape(), weight.dtype()));
    Tensor shift = rounded(bias, {static_cast<int64_t>(bias.size())}, weight.dtype());
    if (had_bias) {
      replace_constant(layer_id, 2, std::move(shift));
    } else {
      layer.inputs.resize(3, kNoValue);
      layer.inputs[2] = add_constant(layer.name + ".bias", role, std::move(shift));
    }
    if (layer.attrs.has("beta")) layer.attrs.erase("beta");
    const ValueId gone = bn.outputs[0];
    graph_.replace_uses(gone, layer.outputs[0]);
    graph_.erase_node(bn_id);
  }

  void make_affine(NodeId bn_id) {
    const Node bn = graph_.node(bn_id);
    const Value& x = graph_.value(bn.inputs[0]);
    PARE_CHECK(x.shape && x.shape->size() >= 2, ModelError, "[fold_batch_norm \"{}\"] the input's shape is unknown", bn.name);
    const Affine affine = affine_of(bn);
    Shape shape(x.shape->size() - 1, 1);
    shape[0] = static_cast<int64_t>(affine.scale.size());
    const DType dtype = tensor(bn.inputs[1]).dtype();
    const ValueId scale = add_constant(bn.name + ".scale", graph_.value(bn.inputs[1]).role, rounded(affine.scale, shape, dtype));
    const ValueId shift = add_constant(bn.name + ".shift", graph_.value(bn.inputs[2]).role, rounded(affine.shift, shape, dtype));
    const NodeId mul = graph_.add_node("Mul", graph_.free_name(bn.name + ".mul"), {bn.inputs[0], scale});
    const NodeId add = graph_.add_node("Add", graph_.free_name(bn.name + ".add"), {graph_.node(mul).outputs[0], shift});
    graph_.move_before(mul, bn_id);
    graph_.move_before(add, bn_id);
    for (NodeId made : {mul, add}) {
      graph_.value(graph_.node(made).outputs[0]).shape = graph_.value(bn.outputs[0]).shape;
      graph_.value(graph_.node(made).outputs[0]).dtype = dtype;
    }
    graph_.replace_uses(bn.outputs[0], graph_.node(add).outputs[0]);
    graph_.erase_node(bn_id);
  }

  Graph& graph_;
  ConstantStore& constants_;
  GraphWithConstants& model_;
  Remap remap_;
};

}  // namespace

Remap fold_batch_norm(GraphWithConstants& model) { return Folder(model).run(); }

}  // namespace pare
