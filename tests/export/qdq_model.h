#pragma once
// A quantized model built by hand: two convolutions with a residual, pooling and a linear layer, Q/DQ on every edge.

#include "core/format/frozen.h"
#include "core/graph/op.h"

namespace pare::test {

/// Builds QDQ graphs: u8 activations with zero points, s8 weights per channel, int32 biases of scale sx * sw.
class QdqBuilder {
 public:
  FrozenModel model;

  ValueId constant(const std::string& name, EncodedTensor encoded, Role role = Role::kParameter) {
    const ValueId id = model.graph.add_constant(name, role, encoded.dtype, encoded.shape);
    model.constants[name] = std::move(encoded);
    return id;
  }
  /// QuantizeLinear and DequantizeLinear behind `x`.
  ValueId edge(const std::string& name, ValueId x, float scale, int zero_point) {
    const ValueId s = constant(name + ".scale", encode_raw(Tensor::scalar<float>(scale)), Role::kBuffer);
    const ValueId z = constant(name + ".zero_point",
                               encode_raw(Tensor::scalar<uint8_t>(static_cast<uint8_t>(zero_point))), Role::kBuffer);
    const ValueId q = model.graph.add("QuantizeLinear", name + ".q", {x, s, z});
    return model.graph.add("DequantizeLinear", name + ".dq", {q, s, z});
  }
  /// s8 weight [shape] with one scale per index of dim 0.
  ValueId weight(const std::string& name, const Shape& shape) {
    Tensor q(DType::kI32, shape), scale(DType::kF32, {shape[0]});
    for (int64_t i = 0; i < q.numel(); ++i) q.mutable_data<int32_t>()[i] = draw(255) - 127;
    for (int64_t i = 0; i < shape[0]; ++i)
      scale.mutable_data<float>()[i] = 0.002f + 0.0001f * static_cast<float>(draw(50));
    scales_ = scale;
    return constant(name, encode_affine(q, scale, {}, {.bits = 8, .axis = 0}));
  }
  /// int32 bias for the last weight, with the scale of its input.
  ValueId bias(const std::string& name, float input_scale) {
    Tensor q(DType::kI32, scales_.shape()), scale(DType::kF32, scales_.shape());
    for (int64_t i = 0; i < q.numel(); ++i) {
      q.mutable_data<int32_t>()[i] = draw(4001) - 2000;
      scale.mutable_data<float>()[i] = input_scale * scales_.data<float>()[i];
    }
    return constant(name, encode_affine(q, scale, {}, {.bits = 32, .axis = 0}));
  }
  ValueId conv(const std::string& name, ValueId x, float input_scale, const Shape& shape, int64_t stride,
               int64_t group = 1) {
    const ValueId w = weight(name + ".weight", shape);
    const int64_t pad = shape[2] / 2;
    return model.graph.add(
        "Conv", name, {x, w, bias(name + ".bias", input_scale)},
        {{"strides", std::vector<int64_t>{stride, stride}}, {"pads", std::vector<int64_t>(4, pad)}, {"group", group}});
  }
  int32_t draw(int32_t below) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int32_t>((state_ >> 33) % static_cast<uint64_t>(below));
  }

 private:
  Tensor scales_;
  uint64_t state_ = 3;
};

// Scales as a calibration gives them: sums of round ones would tie all the time.
inline FrozenModel qdq_model() {
  constexpr float kInput = 0.01973f, kStem = 0.05217f, kA = 0.06131f, kC = 0.09871f, kSum = 0.08093f, kDown = 0.11317f;
  constexpr float kPool = 0.04927f, kOutput = 0.07219f;
  QdqBuilder b;
  Graph& g = b.model.graph;
  g.name = "qdq";
  const ValueId input = g.add_input("input", DType::kF32, {Dim::symbol("N"), Dim(3), Dim(12), Dim(12)});
  const ValueId x = b.edge("input", input, kInput, 128);
  const ValueId stem =
      b.edge("stem", g.add("Relu", "stem.relu", {b.conv("stem", x, kInput, {16, 3, 3, 3}, 1)}), kStem, 0);
  const ValueId a = b.edge("a", g.add("Relu", "a.relu", {b.conv("a", stem, kStem, {16, 1, 3, 3}, 1, 16)}), kA, 0);
  const ValueId c = b.edge("c", b.conv("c", a, kA, {16, 16, 1, 1}, 1), kC, 120);
  const ValueId sum = b.edge("sum", g.add("Relu", "sum.relu", {g.add("Add", "sum", {c, stem})}), kSum, 0);
  const ValueId down =
      b.edge("down", g.add("Relu", "down.relu", {b.conv("down", sum, kSum, {32, 16, 3, 3}, 2)}), kDown, 0);
  const ValueId pooled = b.edge("pool", g.add("GlobalAveragePool", "pool", {down}), kPool, 0);
  const ValueId flat = b.edge("flat", g.add("Flatten", "flat", {pooled}), kPool, 0);
  const ValueId w = b.weight("fc.weight", {10, 32});
  const ValueId fc = g.add("Gemm", "fc", {flat, w, b.bias("fc.bias", kPool)}, {{"transB", int64_t{1}}});
  g.set_outputs({b.edge("output", fc, kOutput, 128), down});
  infer_shapes(g, decode_constants(b.model), builtin_ops());
  return b.model;
}

/// A zoo model as if frozen without quantization.
inline FrozenModel float_model(GraphWithConstants source) {
  FrozenModel out;
  out.graph = std::move(source.graph);
  for (const auto& [name, tensor] : source.constants.map()) out.constants[name] = encode_raw(tensor);
  return out;
}

}  // namespace pare::test
