#pragma once
// One small model an operator whose ONNX form depends on the opset.

#include <string>
#include <utility>
#include <vector>

#include "core/format/frozen.h"
#include "core/graph/op.h"

namespace pare::test {

class OperatorModel {
 public:
  FrozenModel model;
  ValueId x;

  explicit OperatorModel(DimShape shape) { x = model.graph.add_input("x", DType::kF32, std::move(shape)); }
  ValueId constant(const std::string& name, const Shape& shape, float first, float step) {
    Tensor tensor(DType::kF32, shape);
    for (int64_t i = 0; i < tensor.numel(); ++i)
      tensor.mutable_data<float>()[i] = first + step * static_cast<float>(i % 7);
    model.constants[name] = encode_raw(tensor);
    return model.graph.add_constant(name, Role::kParameter, DType::kF32, shape);
  }
  FrozenModel finish(const std::string& op, std::vector<ValueId> extra = {}, Attrs attrs = {}, int outputs = 1) {
    std::vector<ValueId> inputs = {x};
    inputs.insert(inputs.end(), extra.begin(), extra.end());
    const NodeId node = model.graph.add_node(op, "y", inputs, std::move(attrs), outputs);
    model.graph.set_outputs(model.graph.node(node).outputs);
    infer_shapes(model.graph, decode_constants(model), builtin_ops());
    return model;
  }
};

inline std::vector<std::pair<std::string, FrozenModel>> operator_models(int64_t opset) {
  using Ints = std::vector<int64_t>;
  const Dim n = Dim::symbol("N");
  const DimShape image = {n, Dim(6), Dim(9), Dim(7)};
  std::vector<std::pair<std::string, FrozenModel>> out;
  const auto unary = [&](const std::string& name, const std::string& op, Attrs attrs = {}, int outputs = 1) {
    OperatorModel m(image);
    out.emplace_back(name, m.finish(op, {}, std::move(attrs), outputs));
  };
  unary("gelu", "Gelu");
  unary("gelu_tanh", "Gelu", {{"approximate", std::string("tanh")}});
  unary("silu", "pare.Silu");
  unary("hard_swish", "HardSwish");
  unary("hard_sigmoid", "HardSigmoid", {{"alpha", 0.25}});
  unary("clip", "Clip", {{"min", -0.25}, {"max", 0.5}});
  unary("clip_low", "Clip", {{"min", int64_t{0}}});
  unary("mean", "ReduceMean", {{"axes", Ints{2, 3}}, {"keepdims", int64_t{0}}});
  unary("sum", "ReduceSum", {{"axes", Ints{-1}}});
  unary("max", "ReduceMax", {{"axes", Ints{1}}});
  unary("mean_all", "ReduceMean");
  unary("split", "Split", {{"axis", int64_t{1}}, {"split", Ints{1, 5}}}, 2);
  unary("split_even", "Split", {{"axis", int64_t{-3}}}, 3);
  unary("slice", "Slice",
        {{"starts", Ints{-1, 1}}, {"ends", Ints{INT64_MIN, INT64_MAX}}, {"axes", Ints{2, 3}}, {"steps", Ints{-2, 2}}});
  unary("pad", "Pad", {{"pads", Ints{0, 1, 2, 0, 0, 1, 0, 3}}, {"value", 1.5}});
  unary("pad_reflect", "Pad", {{"pads", Ints{0, 0, 2, 1, 0, 0, 1, 2}}, {"mode", std::string("reflect")}});
  unary("reshape", "Reshape", {{"shape", Ints{0, 3, -1}}});
  unary("unsqueeze", "Unsqueeze", {{"axes", Ints{0, -1}}});
  unary("tile", "Tile", {{"repeats", Ints{1, 2, 1, 3}}});
  unary("transpose", "Transpose", {{"perm", Ints{0, 2, 3, 1}}});
  unary("shape", "Shape", {{"start", int64_t{1}}, {"end", int64_t{3}}});
  unary("cast", "Cast", {{"to", std::string("I32")}});
  unary("softmax", "Softmax", {{"axis", int64_t{1}}});
  unary("arg_max", "ArgMax", {{"axis", int64_t{1}}, {"keepdims", int64_t{0}}});
  unary("top_k", "TopK", {{"k", int64_t{3}}, {"axis", int64_t{1}}}, 2);
  unary("average_pool", "AveragePool",
        {{"kernel_shape", Ints{3, 2}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 0, 1, 1}}});
  unary("max_pool", "MaxPool", {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"ceil_mode", int64_t{1}}});
  unary("resize_nearest", "Resize",
        {{"scales", std::vector<double>{1, 1, 2, 3}},
         {"coordinate_transformation_mode", std::string("asymmetric")},
         {"nearest_mode", std::string("floor")}});
  unary("resize_linear", "Resize", {{"sizes", Ints{-1, -1, 13, 5}}, {"mode", std::string("linear")}});
  {
    OperatorModel m({n, Dim(5), Dim(8)});
    out.emplace_back("layer_norm", m.finish("LayerNormalization", {m.constant("scale", {8}, 0.5f, 0.1f),
                                                                   m.constant("bias", {8}, -0.2f, 0.1f)}));
  }
  {
    OperatorModel m({n, Dim(5), Dim(8)});
    out.emplace_back("layer_norm_2d", m.finish("LayerNormalization", {m.constant("scale", {5, 8}, 0.5f, 0.1f)},
                                               {{"axis", int64_t{1}}, {"epsilon", 1e-3}}));
  }
  {
    OperatorModel m({n, Dim(5), Dim(8)});
    out.emplace_back("rms_norm", m.finish("RMSNormalization", {m.constant("scale", {8}, 0.5f, 0.1f)}));
  }
  {
    OperatorModel m(image);
    out.emplace_back(
        "group_norm",
        m.finish("GroupNormalization", {m.constant("scale", {6}, 0.5f, 0.1f), m.constant("bias", {6}, -0.2f, 0.1f)},
                 {{"num_groups", int64_t{2}}}));
  }
  {
    OperatorModel m(image);
    out.emplace_back("instance_norm", m.finish("InstanceNormalization", {m.constant("scale", {6}, 0.5f, 0.1f),
                                                                         m.constant("bias", {6}, -0.2f, 0.1f)}));
  }
  {
    OperatorModel m(image);
    out.emplace_back(
        "conv_transpose",
        m.finish("ConvTranspose", {m.constant("w", {6, 2, 3, 3}, -0.3f, 0.1f), m.constant("b", {4}, 0.1f, 0.1f)},
                 {{"group", int64_t{2}},
                  {"strides", Ints{2, 2}},
                  {"pads", Ints{1, 1, 1, 1}},
                  {"output_padding", Ints{1, 1}}}));
  }
  if (opset >= 19) unary("dilated_pool", "AveragePool", {{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{2, 2}}});
  return out;
}

}  // namespace pare::test
