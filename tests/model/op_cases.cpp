#include "tests/model/op_cases.h"

namespace pare::testing {
namespace {

using Ints = std::vector<int64_t>;
using Doubles = std::vector<double>;

const OperandSpec kImage{{2, 4, 7, 6}};

void add_layers(std::vector<OpCase>& out) {
  out.push_back(
      {"Conv", "Conv", {kImage, {{6, 4, 3, 3}}, {{6}}}, {{"pads", Ints{1, 1, 1, 1}}, {"strides", Ints{2, 1}}}});
  out.push_back({"ConvGroups", "Conv", {kImage, {{8, 2, 3, 2}}}, {{"group", int64_t{2}}, {"dilations", Ints{2, 1}}}});
  out.push_back(
      {"ConvUnevenPads", "Conv", {kImage, {{4, 1, 3, 3}}, {{4}}}, {{"group", int64_t{4}}, {"pads", Ints{0, 1, 2, 0}}}});
  out.push_back({"ConvOneDim", "Conv", {{{2, 3, 9}}, {{5, 3, 3}}, {{5}}}, {{"pads", Ints{1, 1}}}});
  out.push_back({"ConvTranspose", "ConvTranspose", {kImage, {{4, 3, 3, 3}}, {{3}}},
                 {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}, {"output_padding", Ints{1, 0}}}});
  out.push_back({"ConvTransposeUneven", "ConvTranspose", {kImage, {{4, 2, 2, 3}}},
                 {{"group", int64_t{2}}, {"strides", Ints{2, 1}}, {"pads", Ints{0, 1, 1, 0}}}});
  out.push_back({"GemmLinear", "Gemm", {{{3, 5}}, {{4, 5}}, {{4}}}, {{"transB", int64_t{1}}}});
  out.push_back({"GemmScaled", "Gemm", {{{5, 3}}, {{5, 4}}, {{3, 1}}},
                 {{"transA", int64_t{1}}, {"alpha", 0.5}, {"beta", 2.0}}});
  out.push_back({"GemmPlain", "Gemm", {{{3, 5}}, {{5, 4}}}, {{"alpha", 1.5}}});
  out.push_back({"MatMul", "MatMul", {{{2, 3, 4}}, {{4, 5}}}, {}});
  out.push_back({"MatMulBatch", "MatMul", {{{2, 1, 3, 4}}, {{3, 4, 2}}}, {}});
}

void add_norms(std::vector<OpCase>& out) {
  const OperandSpec channel{{4}}, mean{.shape = {4}, .state = true};
  const OperandSpec variance{.shape = {4}, .fill = Fill::kPositive, .state = true};
  out.push_back(
      {"BatchNormalization", "BatchNormalization", {kImage, channel, channel, mean, variance}, {{"epsilon", 1e-3}}});
  out.push_back({"InstanceNormalization", "InstanceNormalization", {kImage, channel, channel}, {}});
  out.push_back({"GroupNormalization", "GroupNormalization", {kImage, channel, channel}, {{"num_groups", int64_t{2}}}});
  out.push_back(
      {"LayerNormalization", "LayerNormalization", {{{3, 4, 5}}, {{4, 5}}, {{4, 5}}}, {{"axis", int64_t{1}}}});
  out.push_back({"LayerNormNoBias", "LayerNormalization", {{{3, 5}}, {{5}}}, {}});
  out.push_back({"RMSNormalization", "RMSNormalization", {{{3, 4, 5}}, {{5}}}, {{"epsilon", 1e-4}}});
}

void add_pools(std::vector<OpCase>& out) {
  const Ints three{3, 3}, two{2, 2};
  const OperandSpec x{{2, 3, 7, 8}, Fill::kDistinct};
  out.push_back({"MaxPool", "MaxPool", {x}, {{"kernel_shape", three}, {"strides", two}, {"pads", Ints{1, 1, 1, 1}}}});
  out.push_back({"MaxPoolCeil", "MaxPool", {x}, {{"kernel_shape", two}, {"strides", two}, {"ceil_mode", int64_t{1}}}});
  out.push_back({"MaxPoolUneven",
                 "MaxPool",
                 {x},
                 {{"kernel_shape", three},
                  {"strides", two},
                  {"pads", Ints{0, 1, 2, 0}},
                  {"dilations", Ints{1, 2}},
                  {"ceil_mode", int64_t{1}}}});
  out.push_back({"AveragePool", "AveragePool", {x}, {{"kernel_shape", three}, {"pads", Ints{1, 1, 1, 1}}}});
  out.push_back(
      {"AveragePoolInclude",
       "AveragePool",
       {x},
       {{"kernel_shape", three}, {"strides", two}, {"pads", Ints{1, 1, 1, 1}}, {"count_include_pad", int64_t{1}}}});
  out.push_back(
      {"AveragePoolUneven", "AveragePool", {x}, {{"kernel_shape", two}, {"strides", two}, {"pads", Ints{1, 0, 0, 1}}}});
  out.push_back({"AveragePoolUnevenInclude",
                 "AveragePool",
                 {x},
                 {{"kernel_shape", three},
                  {"strides", two},
                  {"pads", Ints{1, 0, 0, 1}},
                  {"count_include_pad", int64_t{1}},
                  {"ceil_mode", int64_t{1}}}});
  out.push_back({"AveragePoolDilated", "AveragePool", {x}, {{"kernel_shape", two}, {"dilations", two}}});
  out.push_back({"GlobalAveragePool", "GlobalAveragePool", {x}, {}});
}

void add_activations(std::vector<OpCase>& out) {
  for (const char* op : {"Relu", "Sigmoid", "Tanh", "pare.Silu", "HardSwish", "Softplus", "Erf", "Exp", "Neg", "Abs"})
    out.push_back({op, op, {{{3, 5, 7}}}, {}});
  for (const char* op : {"Log", "Sqrt", "Reciprocal"}) out.push_back({op, op, {{{3, 7}, Fill::kPositive}}, {}});
  for (const char* op : {"Floor", "Ceil", "Round"}) out.push_back({op, op, {{{3, 7}}}, {}});
  out.push_back({"LeakyRelu", "LeakyRelu", {{{3, 7}}}, {{"alpha", 0.2}}});
  out.push_back({"Elu", "Elu", {{{3, 7}}}, {{"alpha", 1.5}}});
  out.push_back({"HardSigmoid", "HardSigmoid", {{{3, 7}}}, {{"alpha", 0.3}, {"beta", 0.4}}});
  out.push_back({"Gelu", "Gelu", {{{3, 7}}}, {}});
  out.push_back({"GeluTanh", "Gelu", {{{3, 7}}}, {{"approximate", std::string("tanh")}}});
  out.push_back({"Clip", "Clip", {{{3, 7}}}, {{"min", -0.4}, {"max", 0.9}}});
  out.push_back({"ClipLow", "Clip", {{{3, 7}}}, {{"min", 0.0}}});
  out.push_back({"PRelu", "PRelu", {{{2, 3, 4}}, {{3, 1}}}, {}});
  out.push_back({"Softmax", "Softmax", {{{2, 3, 4}}}, {{"axis", int64_t{1}}}});
  out.push_back({"LogSoftmax", "LogSoftmax", {{{2, 3, 4}}}, {}});
}

void add_elementwise(std::vector<OpCase>& out) {
  for (const char* op : {"Add", "Sub", "Mul", "Min", "Max"}) out.push_back({op, op, {{{2, 3, 4}}, {{3, 1}}}, {}});
  out.push_back({"Div", "Div", {{{2, 3, 4}}, {{4}, Fill::kPositive}}, {}});
  out.push_back({"Pow", "Pow", {{{2, 3, 4}, Fill::kPositive}, {{1}, Fill::kPositive}}, {}});
  const OperandSpec yes{{2, 3}, Fill::kBool, DType::kBool}, index{{2, 3}, Fill::kIndex, DType::kI64};
  out.push_back({"Equal", "Equal", {index, index}, {}, 1, false});
  for (const char* op : {"Less", "Greater"}) out.push_back({op, op, {{{2, 3}}, {{3}}}, {}, 1, false});
  for (const char* op : {"And", "Or"}) out.push_back({op, op, {yes, yes}, {}, 1, false});
  out.push_back({"Not", "Not", {yes}, {}, 1, false});
  out.push_back({"Where", "Where", {yes, {{2, 3}}, {{3}}}, {}, 1, false});
}

void add_shapes(std::vector<OpCase>& out) {
  const OperandSpec x{{2, 3, 4}};
  out.push_back({"Reshape", "Reshape", {x}, {{"shape", Ints{0, -1, 2}}}});
  out.push_back({"Flatten", "Flatten", {x}, {{"axis", int64_t{2}}}});
  out.push_back({"Squeeze", "Squeeze", {{{2, 1, 3, 1}}}, {{"axes", Ints{-1}}}});
  out.push_back({"Unsqueeze", "Unsqueeze", {x}, {{"axes", Ints{0, -1}}}});
  out.push_back({"Expand", "Expand", {{{3, 1}}}, {{"shape", Ints{2, 1, 4}}}});
  out.push_back({"Shape", "Shape", {x}, {{"start", int64_t{1}}}, 1, false});
  out.push_back({"Cast", "Cast", {x}, {{"to", std::string("I32")}}, 1, false});
  out.push_back({"Identity", "Identity", {x}, {}});
  out.push_back({"Dropout", "Dropout", {x}, {{"ratio", 0.3}}});
  out.push_back({"Concat", "Concat", {x, {{2, 1, 4}}}, {{"axis", int64_t{1}}}});
  out.push_back({"Split", "Split", {{{2, 7}}}, {{"axis", int64_t{1}}}, 3});
  out.push_back({"SplitSizes", "Split", {{{5, 2}}}, {{"split", Ints{1, 4}}}, 2});
  out.push_back({"Slice", "Slice", {{{2, 3, 8, 8}}}, {{"starts", Ints{1, 0}}, {"ends", Ints{-1, INT64_MAX}},
                                                     {"axes", Ints{2, 3}}, {"steps", Ints{2, 2}}}});
  out.push_back({"SliceBackwards", "Slice", {{{5, 6}}}, {{"starts", Ints{-1, 4}}, {"ends", Ints{INT64_MIN, 0}},
                                                        {"axes", Ints{0, 1}}, {"steps", Ints{-1, -2}}}});
  out.push_back({"Gather", "Gather", {{{5, 4}}, {{2, 3}, Fill::kIndex, DType::kI64}}, {}});
  out.push_back({"GatherAxis", "Gather", {x, {{3}, Fill::kIndex, DType::kI64, 3}}, {{"axis", int64_t{-2}}}});
  out.push_back({"Pad", "Pad", {x}, {{"pads", Ints{0, 1, -1, 0, 2, 1}}, {"value", 0.5}}});
  out.push_back({"PadReflect",
                 "Pad",
                 {{{1, 2, 5, 4}}},
                 {{"pads", Ints{0, 0, 2, 1, 0, 0, 1, 2}}, {"mode", std::string("reflect")}}});
  out.push_back({"PadEdge", "Pad", {{{2, 4, 3}}}, {{"pads", Ints{0, 2, 0, 0, 1, 2}}, {"mode", std::string("edge")}}});
  out.push_back({"Transpose", "Transpose", {x}, {{"perm", Ints{2, 0, 1}}}});
  out.push_back({"TransposeReversed", "Transpose", {x}, {}});
  out.push_back({"Tile", "Tile", {x}, {{"repeats", Ints{1, 2, 3}}}});
  out.push_back({"DepthToSpace", "DepthToSpace", {{{2, 8, 2, 3}}}, {{"blocksize", int64_t{2}}}});
  out.push_back(
      {"DepthToSpaceCrd", "DepthToSpace", {{{2, 8, 2, 3}}}, {{"blocksize", int64_t{2}}, {"mode", std::string("CRD")}}});
}

void add_reductions(std::vector<OpCase>& out) {
  const OperandSpec x{{2, 3, 4}, Fill::kDistinct};
  for (const char* op : {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"}) {
    out.push_back({op, op, {x}, {{"axes", Ints{-1, 0}}, {"keepdims", int64_t{0}}}});
    out.push_back({std::string(op) + "All", op, {x}, {}});
  }
  out.push_back({"ArgMax", "ArgMax", {x}, {{"axis", int64_t{1}}}, 1, false});
  out.push_back({"ArgMaxLast",
                 "ArgMax",
                 {{{4, 9}, Fill::kIndex}},
                 {{"axis", int64_t{1}}, {"select_last_index", int64_t{1}}},
                 1,
                 false});
  out.push_back({"TopK", "TopK", {x}, {{"k", int64_t{2}}}, 2, false});
  out.push_back({"TopKSmallest",
                 "TopK",
                 {{{4, 9}, Fill::kIndex}},
                 {{"k", int64_t{3}}, {"largest", int64_t{0}}, {"axis", int64_t{1}}},
                 2,
                 false});
}

void add_resizes(std::vector<OpCase>& out) {
  const OperandSpec x{{1, 2, 4, 5}};
  const Doubles twice{1.0, 1.0, 2.0, 1.5};
  const auto text = [](const char* t) { return std::string(t); };
  out.push_back(
      {"ResizeNearest",
       "Resize",
       {x},
       {{"scales", twice}, {"coordinate_transformation_mode", text("asymmetric")}, {"nearest_mode", text("floor")}}});
  for (const char* mode : {"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"})
    out.push_back(
        {fmt("ResizeLinear_{}", mode),
         "Resize",
         {x},
         {{"sizes", Ints{-1, -1, 7, 3}}, {"mode", text("linear")}, {"coordinate_transformation_mode", text(mode)}}});
  for (const char* mode : {"round_prefer_floor", "ceil", "round_prefer_ceil"})
    out.push_back(
        {fmt("ResizeNearest_{}", mode), "Resize", {x}, {{"sizes", Ints{-1, -1, 6, 5}}, {"nearest_mode", text(mode)}}});
}

void add_quant(std::vector<OpCase>& out) {
  const OperandSpec x{{2, 3, 4}}, one{{1}, Fill::kPositive}, three{{3}, Fill::kPositive};
  out.push_back({"QuantizeLinear", "QuantizeLinear", {x, one, {{1}, Fill::kIndex, DType::kU8}}, {}, 1, false});
  out.push_back({"QuantizeLinearAxis", "QuantizeLinear", {x, three, {{3}, Fill::kIndex, DType::kI8}}, {}, 1, false});
  out.push_back({"DequantizeLinear", "DequantizeLinear",
                 {{{2, 3, 4}, Fill::kIndex, DType::kU8, 200}, three, {{3}, Fill::kIndex, DType::kU8}}, {}, 1, false});
  out.push_back(
      {"FakeQuant", "pare.FakeQuant", {x, one, {{1}, Fill::kIndex, DType::kI32}}, {{"bits", int64_t{8}}}, 1, false});
  out.push_back({"FakeQuantAxis",
                 "pare.FakeQuant",
                 {x, three, {{3}, Fill::kIndex, DType::kI32, 1}},
                 {{"bits", int64_t{4}}, {"signed", int64_t{1}}, {"symmetric", int64_t{1}}, {"axis", int64_t{1}}},
                 1,
                 false});
}

}  // namespace

std::vector<OpCase> op_cases() {
  std::vector<OpCase> out;
  add_layers(out);
  add_norms(out);
  add_pools(out);
  add_activations(out);
  add_elementwise(out);
  add_shapes(out);
  add_reductions(out);
  add_resizes(out);
  add_quant(out);
  return out;
}

}  // namespace pare::testing
