#include "tests/judges/bench/quantized_zoo.h"

#include <algorithm>
#include <cmath>

#include "core/base/quant_math.h"
#include "core/base/rng.h"
#include "core/graph/passes/pass.h"
#include "core/runtime/executor.h"
#include "core/zoo/zoo.h"

namespace pare::test {
namespace {

bool has_weight(const Node& node) { return node.op == "Conv" || node.op == "Gemm"; }

class Quantizer {
 public:
  explicit Quantizer(const FrozenModel& source) : from_(source.graph), source_(source) {}

  FrozenModel run() {
    measure();
    for (ValueId id : from_.inputs()) {
      const Value& value = from_.value(id);
      const ValueId input = out_.graph.add_input(value.name, value.dtype, *value.shape);
      map_[id] = edge(id, input);
    }
    for (NodeId id : from_.order()) add(from_.node(id));
    std::vector<ValueId> outputs;
    for (ValueId id : from_.outputs()) outputs.push_back(map_.at(id));
    out_.graph.set_outputs(outputs);
    infer_shapes(out_.graph, decode_constants(out_), builtin_ops());
    return std::move(out_);
  }

 private:
  // Scales of all values, from one run.
  void measure() {
    std::vector<std::string> names;
    std::vector<ValueId> ids;
    for (NodeId id : from_.order()) {
      for (ValueId value : from_.node(id).outputs) ids.push_back(value), names.push_back(from_.value(value).name);
    }
    const Tensor input = sample_input(source_);
    const std::vector<Tensor> values = Executor(source_).run({input}, names);
    keep_range(from_.inputs()[0], input);
    for (size_t i = 0; i < ids.size(); ++i) keep_range(ids[i], values[from_.outputs().size() + i]);
  }

  void keep_range(ValueId id, const Tensor& tensor) {
    const auto [low, high] = std::minmax_element(tensor.span<float>().begin(), tensor.span<float>().end());
    params_[id] = choose_qparams(*low, *high, {0, 255}, false);
  }

  ValueId constant(const std::string& name, EncodedTensor encoded) {
    const ValueId id = out_.graph.add_constant(name, Role::kParameter, encoded.dtype, encoded.shape);
    out_.constants[name] = std::move(encoded);
    return id;
  }

  ValueId edge(ValueId old, ValueId x) {
    const std::string name = from_.value(old).name;
    const QParams p = params_.at(old);
    const ValueId s = constant(name + ".scale", encode_raw(Tensor::scalar(p.scale)));
    const ValueId z = constant(name + ".zero_point", encode_raw(Tensor::scalar(static_cast<uint8_t>(p.zero_point))));
    return out_.graph.add("DequantizeLinear", name + ".dq", {out_.graph.add("QuantizeLinear", name + ".q", {x, s, z}), s, z});
  }

  void add(const Node& node) {
    std::vector<ValueId> inputs;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId id = node.inputs[i];
      if (has_weight(node) && i == 1) inputs.push_back(weight(id));
      else if (has_weight(node) && i == 2) inputs.push_back(bias(id, params_.at(node.inputs[0]).scale));
      else inputs.push_back(map_.at(id));
    }
    const ValueId old = node.outputs[0], y = out_.graph.add(node.op, node.name, inputs, node.attrs);
    // These only move elements or take the largest: the parameters stay those of the input.
    if (node.op == "MaxPool" || node.op == "Flatten" || node.op == "Reshape") params_[old] = params_.at(node.inputs[0]);
    map_[old] = feeds_activation(old) ? y : edge(old, y);
  }

  bool feeds_activation(ValueId id) const {
    const std::vector<NodeId> users = from_.users(id);
    return users.size() == 1 && (from_.node(users[0]).op == "Relu" || from_.node(users[0]).op == "Clip");
  }

  ValueId weight(ValueId id) {
    const std::string& name = from_.value(id).name;
    const Tensor dense = decode(source_.constants.at(name));
    const int64_t cells = dense.dim(0), size = dense.numel() / cells;
    Tensor q(DType::kI32, dense.shape()), scales(DType::kF32, {cells});
    for (int64_t o = 0; o < cells; ++o) {
      const float* row = dense.data<float>() + o * size;
      float most = 1e-6f;
      for (int64_t i = 0; i < size; ++i) most = std::max(most, std::fabs(row[i]));
      scales.mutable_data<float>()[o] = most / 127.0f;
      for (int64_t i = 0; i < size; ++i) q.mutable_data<int32_t>()[o * size + i] = quantize(row[i], most / 127.0f, 0, {-127, 127});
    }
    weight_scales_ = scales;
    return constant(name, encode_affine(q, scales, {}, {.bits = 8, .axis = 0}));
  }

  ValueId bias(ValueId id, float input_scale) {
    const std::string& name = from_.value(id).name;
    const Tensor dense = decode(source_.constants.at(name));
    Tensor q(DType::kI32, dense.shape()), scales(DType::kF32, dense.shape());
    for (int64_t i = 0; i < dense.numel(); ++i) {
      const float scale = input_scale * weight_scales_.data<float>()[i];
      scales.mutable_data<float>()[i] = scale;
      q.mutable_data<int32_t>()[i] = quantize(dense.data<float>()[i], scale, 0, {-(1 << 24), 1 << 24});
    }
    return constant(name, encode_affine(q, scales, {}, {.bits = 32, .axis = 0}));
  }

  const Graph& from_;
  const FrozenModel& source_;
  FrozenModel out_;
  std::map<ValueId, ValueId> map_;
  std::map<ValueId, QParams> params_;
  Tensor weight_scales_;
};

}  // namespace

FrozenModel deployed_model(const std::string& name, int64_t size) {
  GraphWithConstants model = zoo(name, {.image_size = size});
  run_passes(model, builtin_ops(), inference_passes());
  for (ValueId id : model.graph.inputs()) {
    Value& value = model.graph.value(id);
    (*value.shape)[0] = Dim(1);
  }
  infer_shapes(model.graph, model.constants, builtin_ops());
  FrozenModel out;
  out.graph = std::move(model.graph);
  for (const auto& [key, tensor] : model.constants.map()) out.constants[key] = encode_raw(tensor);
  return out;
}

bool reads_images(const FrozenModel& model) {
  const std::vector<ValueId>& inputs = model.graph.inputs();
  return inputs.size() == 1 && model.graph.value(inputs[0]).dtype == DType::kF32;
}

FrozenModel quantized_model(const FrozenModel& model) { return Quantizer(model).run(); }

Tensor sample_input(const FrozenModel& model) {
  Tensor input(DType::kF32, evaluate(*model.graph.value(model.graph.inputs()[0]).shape, {}));
  Rng rng(1);
  for (int64_t i = 0; i < input.numel(); ++i) input.mutable_data<float>()[i] = static_cast<float>(rng.uniform() * 2.0 - 1.0);
  return input;
}

}  // namespace pare::test
