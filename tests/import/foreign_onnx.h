#pragma once
// ONNX models as others write them: forms that our own exporter never chooses.

#include <map>
#include <string>
#include <vector>

#include "core/import/onnx_model.h"

namespace pare::test {

/// Input x [N, 4, 8, 8] unless `shape` says otherwise, output y.
inline onnx::Model onnx_model(std::vector<onnx::Node> nodes, std::map<std::string, Tensor> constants = {},
                              int64_t opset = 17,
                              std::vector<onnx::Extent> shape = {std::string("N"), int64_t{4}, int64_t{8}, int64_t{8}}) {
  onnx::Model out;
  out.ir_version = 8;
  out.opsets[""] = opset;
  out.producer = "test";
  out.nodes = std::move(nodes);
  out.initializers = std::move(constants);
  out.inputs = {{"x", DType::kF32, std::move(shape)}};
  out.outputs = {{"y", DType::kF32, std::nullopt}};
  return out;
}

inline Tensor int_list(std::vector<int64_t> values) {
  return Tensor::of(values, {static_cast<int64_t>(values.size())});
}

/// [1, 1, 1, 3] from x [1, 4, 8, 8]: operators that are lowered to several of ours.
inline onnx::Model composed_onnx() {
  using Text = std::string;
  const std::map<Text, onnx::Attribute> blocks = {{"block_size", int64_t{2}}, {"axis", int64_t{3}}};
  return onnx_model(
      {{"SpaceToDepth", "", "s2d", {"x"}, {"a"}, {{"blocksize", int64_t{2}}}},
       {"Pad", "", "wrap", {"a", "pads"}, {"b"}, {{"mode", Text("wrap")}}},
       {"Trilu", "", "triangle", {"b", "k"}, {"c"}, {}},
       {"LayerNormalization", "", "norm", {"c", "g"}, {"d", "mean", "deviation"}, {{"axis", int64_t{-1}}}},
       {"Einsum", "", "product", {"d", "w"}, {"e"}, {{"equation", Text("nchw,wv->nchv")}}},
       {"QuantizeLinear", "", "q", {"e", "s"}, {"f"}, blocks},
       {"DequantizeLinear", "", "dq", {"f", "s"}, {"h"}, blocks},
       {"Range", "", "range", {"zero", "three", "one"}, {"r"}, {}},
       {"ConstantOfShape", "", "ones", {"r"}, {"o"}, {}},
       {"Add", "", "shift", {"h", "mean"}, {"p"}, {}},
       {"ReduceLogSumExp", "", "y", {"p", "axes"}, {"y"}, {}}},
      {{"pads", int_list({0, 0, 1, 1, 0, 0, 1, 1})}, {"k", Tensor::scalar<int64_t>(1)}, {"g", Tensor(DType::kF32, {6})},
       {"w", Tensor(DType::kF32, {6, 3})}, {"s", Tensor(DType::kF32, {1, 16, 6, 2})}, {"axes", int_list({1, 2})},
       {"zero", Tensor::scalar<int64_t>(0)}, {"three", Tensor::scalar<int64_t>(3)}, {"one", Tensor::scalar<int64_t>(1)}},
      21, {int64_t{1}, int64_t{4}, int64_t{8}, int64_t{8}});
}

/// Operators of opset 11 with lists in attributes, and sizes computed from shapes.
inline std::vector<onnx::Model> computed_onnx() {
  using Ints = std::vector<int64_t>;
  using Text = std::string;
  std::vector<onnx::Model> out;
  out.push_back(onnx_model({{"Softmax", "", "s", {"x"}, {"a"}, {}},
                            {"Unsqueeze", "", "u", {"a"}, {"b"}, {{"axes", Ints{1}}}},
                            {"Squeeze", "", "q", {"b"}, {"c"}, {{"axes", Ints{1}}}},
                            {"ReduceSum", "", "r", {"c"}, {"d"}, {{"axes", Ints{2}}, {"keepdims", int64_t{0}}}},
                            {"Constant", "", "k", {}, {"half"}, {{"value_float", 0.5f}}},
                            {"Mul", "", "y", {"d", "half"}, {"y"}, {}}},
                           {}, 12));
  out.push_back(onnx_model({{"Shape", "", "shape", {"x"}, {"s"}, {}},
                            {"Gather", "", "batch", {"s", "zero"}, {"n"}, {{"axis", int64_t{0}}}},
                            {"Unsqueeze", "", "un", {"n", "axes"}, {"n1"}, {}},
                            {"Concat", "", "cat", {"n1", "rest"}, {"target"}, {{"axis", int64_t{0}}}},
                            {"Reshape", "", "flat", {"x", "target"}, {"y"}, {}}},
                           {{"zero", Tensor::scalar<int64_t>(0)}, {"axes", int_list({0})}, {"rest", int_list({-1})}}));
  out.push_back(onnx_model({{"Shape", "", "shape", {"x"}, {"s"}, {}},
                            {"Slice", "", "kept", {"s", "zero", "two"}, {"nc"}, {}},
                            {"Concat", "", "cat", {"nc", "hw"}, {"target"}, {{"axis", int64_t{0}}}},
                            {"Resize", "", "r", {"x", "", "", "target"}, {"y"}, {{"mode", Text("linear")}}}},
                           {{"zero", int_list({0})}, {"two", int_list({2})}, {"hw", int_list({13, 5})}}));
  out.push_back(onnx_model({{"Shape", "", "shape", {"x"}, {"s"}, {}},
                            {"Gather", "", "last", {"s", "three"}, {"w"}, {}},
                            {"Div", "", "half", {"w", "two"}, {"h"}, {}},
                            {"Slice", "", "cut", {"x", "zero", "h", "three"}, {"y"}, {}}},
                           {{"zero", int_list({0})}, {"two", int_list({2})}, {"three", int_list({3})}}));
  return out;
}

/// Windows with automatic pads, pools over three dims, a given output shape; norms; products of tensors.
inline std::vector<onnx::Model> layered_onnx() {
  using Ints = std::vector<int64_t>;
  using Text = std::string;
  const Tensor channels(DType::kF32, {4}), kernel(DType::kF32, {4, 4, 3, 3});
  std::vector<onnx::Model> out;
  for (const char* mode : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
    const std::map<Text, onnx::Attribute> window = {
        {"auto_pad", Text(mode)}, {"strides", Ints{2, 1}}, {"kernel_shape", Ints{3, 3}}};
    out.push_back(onnx_model({{"Conv", "", "c", {"x", "w"}, {"a"}, window}, {"MaxPool", "", "p", {"a"}, {"y"}, window}},
                             {{"w", kernel}}));
  }
  out.push_back(onnx_model({{"ConvTranspose", "", "c", {"x", "w"}, {"y"}, {{"output_shape", Ints{17, 17}}, {"strides", Ints{2, 2}}}}},
                           {{"w", kernel}}));
  out.push_back(onnx_model({{"AveragePool", "", "p", {"x"}, {"y"}, {{"kernel_shape", Ints{3, 2, 2}}, {"strides", Ints{1, 2, 2}}}}},
                           {}, 19, {Text("N"), int64_t{4}, int64_t{6}, int64_t{8}, int64_t{10}}));
  out.push_back(onnx_model({{"BatchNormalization", "", "bn", {"x", "g", "g", "g", "g"}, {"a"}, {}},
                            {"InstanceNormalization", "", "in", {"a", "g", "g"}, {"b"}, {}},
                            {"GroupNormalization", "", "gn", {"b", "g", "g"}, {"c"}, {{"num_groups", int64_t{2}}}},
                            {"HardSwish", "", "h", {"c"}, {"d"}, {}},
                            {"Mish", "", "m", {"d"}, {"e"}, {}},
                            {"Clip", "", "k", {"e", "", "high"}, {"f"}, {}},
                            {"Einsum", "", "y", {"f", "w"}, {"y"}, {{"equation", Text("nchw,cd->nhwd")}}}},
                           {{"g", channels}, {"high", Tensor::scalar<float>(6)}, {"w", Tensor(DType::kF32, {4, 5})}}, 21));
  out.push_back(onnx_model({{"DequantizeLinear", "", "dq", {"q", "s"}, {"w"}, {{"axis", int64_t{0}}, {"block_size", int64_t{2}}}},
                            {"MatMul", "", "mm", {"x", "w"}, {"y"}, {}}},
                           {{"q", Tensor::of<int8_t>({1, -2, 3, -4, 5, -6, 7, -8}, {4, 2})},
                            {"s", Tensor::of<float>({1, 10, 100, 1000}, {2, 2})}},
                           21, {int64_t{3}, int64_t{4}}));
  out.push_back(onnx_model({{"Conv", "", "c", {"x", "w"}, {"y"}, {}}}, {{"w", Tensor(DType::kF16, {5, 4, 1, 1})}}));
  out.back().inputs[0].dtype = out.back().outputs[0].dtype = DType::kF16;
  return out;
}

inline std::vector<onnx::Model> foreign_onnx() {
  std::vector<onnx::Model> out = {composed_onnx()};
  for (const auto& models : {computed_onnx(), layered_onnx()}) out.insert(out.end(), models.begin(), models.end());
  return out;
}

}  // namespace pare::test
