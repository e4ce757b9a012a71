// Shape rules, written as text: "operator(shapes) {attributes}" -> shapes.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/graph/op.h"
#include "core/graph/text_form.h"

namespace pare {
namespace {

struct Case {
  const char* inputs;    // "x: F32[N, 3, 8, 8] w: F32[4, 3, 3, 3]", separated by two spaces; all become graph inputs
  const char* call;      // "Conv(x, w) {pads=[1, 1, 1, 1]}"
  const char* expected;  // types of the outputs, or "error: part of the message"
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.call << " on " << c.inputs; }

std::string text_of(const Case& c, size_t outputs) {
  std::string text = "graph case\n";
  std::string inputs = c.inputs;
  for (size_t start = 0; start < inputs.size();) {
    const size_t end = std::min(inputs.find("  ", start), inputs.size());
    text += "input " + inputs.substr(start, end - start) + '\n';
    start = end + 2;
  }
  std::vector<std::string> left;
  for (size_t i = 0; i < outputs; ++i) left.push_back(fmt("y{}: F32?", i));
  const std::string names = outputs == 1 ? left[0] : '[' + join(left, ", ") + ']';
  return text + names + " = " + c.call + " @ node\noutput y0\n";
}

std::string outcome(const Case& c) {
  const std::string expected = c.expected;
  const size_t outputs = static_cast<size_t>(std::count(expected.begin(), expected.end(), ';')) + 1;
  Graph graph = parse_graph(text_of(c, outputs));
  try {
    infer_shapes(graph, {}, builtin_ops());
  } catch (const ModelError& error) {
    return fmt("error: {}", error.what());
  }
  std::string out;
  for (ValueId id : graph.node(graph.find_node("node")).outputs) {
    const Value& value = graph.value(id);
    std::vector<std::string> dims;
    for (const Dim& dim : *value.shape) dims.push_back(dim.str());
    out += fmt("{}{}[{}]", out.empty() ? "" : "; ", name_of(value.dtype), join(dims, ", "));
  }
  return out;
}

class Infer : public testing::TestWithParam<Case> {};

TEST_P(Infer, GivesTheShape) {
  const std::string got = outcome(GetParam()), expected = GetParam().expected;
  if (expected.rfind("error: ", 0) != 0) {
    EXPECT_EQ(got, expected);
    return;
  }
  EXPECT_EQ(got.rfind("error: [", 0), 0u) << got;
  EXPECT_NE(got.find("\"node\""), std::string::npos) << "the message names the node: " << got;
  const size_t end = std::min(expected.find(';'), expected.size());
  EXPECT_NE(got.find(expected.substr(7, end - 7)), std::string::npos) << got;
}

INSTANTIATE_TEST_SUITE_P(
    Convolution, Infer,
    testing::Values(
        Case{"x: F32[N, 3, 8, 8]  w: F32[4, 3, 3, 3]", "Conv(x, w) {pads=[1, 1, 1, 1]}", "F32[N, 4, 8, 8]"},
        Case{"x: F32[N, 3, h, w]  k: F32[4, 3, 3, 3]", "Conv(x, k) {pads=[1, 1, 1, 1], strides=[2, 2]}",
             "F32[N, 4, floor((h+1)/2), floor((w+1)/2)]"},
        Case{"x: F32[N, 4, 9]  w: F32[8, 2, 3]", "Conv(x, w) {group=2, dilations=[2]}", "F32[N, 8, 5]"},
        Case{"x: F32[N, 4, 9, 9]  w: F32[4, 1, 3, 3]", "Conv(x, w) {group=4, pads=[0, 1, 2, 3]}", "F32[N, 4, 9, 11]"},
        Case{"x: F32[N, 3, 8, 8]  w: F32[4, 2, 3, 3]", "Conv(x, w)", "error: input channels"},
        Case{"x: F32[N, 4, 8, 8]  w: F32[3, 2, 3, 3]", "Conv(x, w) {group=2}", "error: groups"},
        Case{"x: F32[N, 3, 2, 2]  w: F32[4, 3, 3, 3]", "Conv(x, w)", "error: larger"},
        Case{"x: F32[N, 3, 8, 8]  w: F32[4, 3, 3, 3]", "Conv(x, w) {strides=[0, 1]}", "error: strides"},
        Case{"x: F32[N, 3, 8, 8]  w: F32[4, 3, 3, 3]  b: F32[3]", "Conv(x, w, b)", "error: bias"},
        Case{"x: F32[N, 3, 8, 8]  w: F32[4, 3, 3, 3]", "Conv(x, w) {kernel_shape=[3, 5]}", "error: kernel_shape"},
        Case{"x: F32[N, 4, 5, 5]  w: F32[4, 6, 3, 3]",
             "ConvTranspose(x, w) {strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]}", "F32[N, 6, 10, 10]"},
        Case{"x: F32[N, 4, h, 5]  w: F32[4, 3, 2, 2]", "ConvTranspose(x, w) {strides=[2, 2], group=2}",
             "F32[N, 6, 2*h, 10]"},
        Case{"x: F32[N, 4, 5, 5]  w: F32[4, 6, 3, 3]", "ConvTranspose(x, w) {output_padding=[1, 1]}",
             "error: output_padding"}));

INSTANTIATE_TEST_SUITE_P(
    Products, Infer,
    testing::Values(Case{"x: F32[N, 8]  w: F32[5, 8]  b: F32[5]", "Gemm(x, w, b) {transB=1}", "F32[N, 5]"},
                    Case{"x: F32[8, N]  w: F32[8, 5]", "Gemm(x, w) {transA=1}", "F32[N, 5]"},
                    Case{"x: F32[N, 8]  w: F32[8, 5]", "Gemm(x, w) {transB=1}", "error: inner size"},
                    Case{"x: F32[N, 8]  w: F32[5, 8]  b: F32[4]", "Gemm(x, w, b) {transB=1}", "error: broadcast"},
                    Case{"a: F32[N, 2, T, 8]  b: F32[N, 1, 8, T]", "MatMul(a, b)", "F32[N, 2, T, T]"},
                    Case{"a: F32[8]  b: F32[N, 8, 3]", "MatMul(a, b)", "F32[N, 3]"},
                    Case{"a: F32[2, 8]  b: F32[8]", "MatMul(a, b)", "F32[2]"},
                    Case{"a: F32[2, 8]  b: F32[7, 3]", "MatMul(a, b)", "error: inner size"}));

INSTANTIATE_TEST_SUITE_P(
    Pools, Infer,
    testing::Values(
        Case{"x: F32[N, 4, 9, 9]", "MaxPool(x) {kernel_shape=[2, 2], strides=[2, 2]}", "F32[N, 4, 4, 4]"},
        Case{"x: F32[N, 4, 9, 9]", "MaxPool(x) {kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1}", "F32[N, 4, 5, 5]"},
        // The last window would start in the padding behind the input.
        Case{"x: F32[N, 4, 4, 4]",
             "AveragePool(x) {kernel_shape=[1, 1], strides=[3, 3], pads=[0, 0, 2, 2], ceil_mode=1}", "F32[N, 4, 2, 2]"},
        Case{"x: F32[N, 4, 9, 9]", "MaxPool(x)", "error: kernel_shape"},
        Case{"x: F32[N, 4, 9]", "MaxPool(x) {kernel_shape=[2, 2]}", "error: dims"},
        Case{"x: F32[N, 4, h, w]", "GlobalAveragePool(x)", "F32[N, 4, 1, 1]"}));

INSTANTIATE_TEST_SUITE_P(
    Norms, Infer,
    testing::Values(
        Case{"x: F32[N, 4, 9]  c: F32[4]", "BatchNormalization(x, c, c, c, c)", "F32[N, 4, 9]"},
        Case{"x: F32[N, 4, 9]  c: F32[5]", "BatchNormalization(x, c, c, c, c)", "error: scale size"},
        Case{"x: F32[N, 4, 9]  c: F32[4]", "InstanceNormalization(x, c, c)", "F32[N, 4, 9]"},
        Case{"x: F32[N, 4, 9]  c: F32[4]", "GroupNormalization(x, c, c) {num_groups=2}", "F32[N, 4, 9]"},
        Case{"x: F32[N, 4, 9]  c: F32[4]", "GroupNormalization(x, c, c) {num_groups=3}", "error: groups"},
        Case{"x: F32[N, T, 9]  c: F32[9]", "LayerNormalization(x, c, c)", "F32[N, T, 9]"},
        Case{"x: F32[N, 4, 9]  c: F32[4, 9]", "LayerNormalization(x, c) {axis=1}", "F32[N, 4, 9]"},
        Case{"x: F32[N, 4, 9]  c: F32[4]", "RMSNormalization(x, c)", "error: shape"}));

INSTANTIATE_TEST_SUITE_P(
    Elementwise, Infer,
    testing::Values(Case{"a: F32[N, 1, 4]  b: F32[3, 1]", "Add(a, b)", "F32[N, 3, 4]"},
                    Case{"a: F32[N, 2]  b: F32[M, 2]", "Add(a, b)", "error: broadcast"},
                    Case{"a: F32[N, 2]  b: I64[N, 2]", "Mul(a, b)", "error: dtype"},
                    Case{"a: F32[N, 2]  b: F32[2]", "Less(a, b)", "BOOL[N, 2]"},
                    Case{"a: F32[N, 2]", "Not(a)", "error: BOOL"},
                    Case{"c: BOOL[2]  a: F32[N, 1]  b: F32[]", "Where(c, a, b)", "F32[N, 2]"},
                    Case{"a: F32[N]  b: F32[1]  c: F32[3, 1]", "Max(a, b, c)", "F32[3, N]"},
                    Case{"a: F32[N, 2]  s: F32[2]", "PRelu(a, s)", "F32[N, 2]"},
                    Case{"a: F32[N, 2]  s: F32[3, 1, 1]", "PRelu(a, s)", "error: slope"},
                    Case{"a: I64[N, 2]", "Sigmoid(a)", "error: float"},
                    Case{"a: F32[N, 2]", "Clip(a) {min=6.0, max=0.0}", "error: min"},
                    Case{"a: F32[N, 2]", "Gelu(a) {approximate=\"fast\"}", "error: approximate"},
                    Case{"a: F32[N, 2]", "Softmax(a) {axis=2}", "error: axis"},
                    Case{"a: F32[N, 2]", "pare.Silu(a)", "F32[N, 2]"}));

INSTANTIATE_TEST_SUITE_P(
    Movement, Infer,
    testing::Values(
        Case{"a: F32[N, 2]  b: F32[N, M]", "Concat(a, b) {axis=-1}", "F32[N, M+2]"},
        Case{"a: F32[N, 2]  b: F32[3, 2]", "Concat(a, b) {axis=1}", "error: differ"},
        Case{"a: F32[N, 6]", "Split(a) {axis=1, split=[2, 4]}", "F32[N, 2]; F32[N, 4]"},
        Case{"a: F32[N, 7]", "Split(a) {axis=1}", "F32[N, 3]; F32[N, 3]; F32[N, 1]"},
        Case{"a: F32[2*N, 7]", "Split(a)", "F32[N, 7]; F32[N, 7]"},
        Case{"a: F32[N, 6]", "Split(a) {axis=1, split=[2, 3]}", "error: sum;"},
        Case{"a: F32[10, 4]  i: I64[N, T]", "Gather(a, i)", "F32[N, T, 4]"},
        Case{"a: F32[10, 4]  i: F32[N]", "Gather(a, i)", "error: indices"},
        Case{"a: F32[N, 4]", "Pad(a) {pads=[0, 1, 0, -2]}", "F32[N, 3]"},
        Case{"a: F32[N, 4]", "Pad(a) {pads=[0, 0, 0, -5]}", "error: crop"},
        Case{"a: F32[N, 4, 5]", "Transpose(a) {perm=[2, 0, 1]}", "F32[5, N, 4]"},
        Case{"a: F32[N, 4, 5]", "Transpose(a)", "F32[5, 4, N]"},
        Case{"a: F32[N, 4, 5]", "Transpose(a) {perm=[0, 0, 1]}", "error: twice"},
        Case{"a: F32[N, 4]", "Tile(a) {repeats=[2, 3]}", "F32[2*N, 12]"},
        Case{"a: F32[N, 8, h, 3]", "DepthToSpace(a) {blocksize=2}", "F32[N, 2, 2*h, 6]"},
        Case{"a: F32[N, 6, 3, 3]", "DepthToSpace(a) {blocksize=2}", "error: blocks"}));

INSTANTIATE_TEST_SUITE_P(
    Slices, Infer,
    testing::Values(Case{"a: F32[N, 10]", "Slice(a) {starts=[2], ends=[8], axes=[1], steps=[3]}", "F32[N, 2]"},
                    Case{"a: F32[N, 10]", "Slice(a) {starts=[-3], ends=[9223372036854775807], axes=[-1]}", "F32[N, 3]"},
                    Case{"a: F32[N, 10]",
                         "Slice(a) {starts=[9223372036854775807], ends=[-9223372036854775807], axes=[1], steps=[-1]}",
                         "F32[N, 10]"},
                    Case{"a: F32[N, 10]", "Slice(a) {starts=[8], ends=[2], axes=[1], steps=[-4]}", "F32[N, 2]"},
                    Case{"a: F32[N, 10]", "Slice(a) {starts=[20], ends=[30], axes=[1]}", "F32[N, 0]"},
                    Case{"a: F32[N, 3, h, w]",
                         "Slice(a) {starts=[0, 1], ends=[9223372036854775807, -1], axes=[2, 3], steps=[2, 1]}",
                         "F32[N, 3, floor((h+1)/2), w-2]"},
                    Case{"a: F32[N, 3]", "Slice(a) {starts=[0], ends=[2], axes=[0]}", "error: extent"},
                    Case{"a: F32[N, 3]", "Slice(a) {starts=[0], ends=[2], axes=[1], steps=[0]}", "error: steps"},
                    Case{"a: F32[N, 3]", "Slice(a) {starts=[0, 1], ends=[2]}", "error: ends"}));

INSTANTIATE_TEST_SUITE_P(Shapes, Infer,
                         testing::Values(Case{"a: F32[N, 4, 6]", "Reshape(a) {shape=[0, -1]}", "F32[N, 24]"},
                                         Case{"a: F32[N, 4, 6]", "Reshape(a) {shape=[-1, 6]}", "F32[4*N, 6]"},
                                         Case{"a: F32[6*N, 4]", "Reshape(a) {shape=[-1, 6, 4]}", "F32[N, 6, 4]"},
                                         Case{"a: F32[N, 4, 6]", "Reshape(a) {shape=[-1, 7]}", "error: fit"},
                                         Case{"a: F32[N, 4, 6]", "Reshape(a) {shape=[-1, -1]}", "error: one -1"},
                                         Case{"a: F32[N, 4, 6]", "Reshape(a) {shape=[2, 24]}", "error: fit"},
                                         Case{"a: F32[N, 4]  s: I64[2]", "Reshape(a, s)", "error: data"},
                                         Case{"a: F32[N, 4, 6]", "Flatten(a)", "F32[N, 24]"},
                                         Case{"a: F32[N, 4, 6]", "Flatten(a) {axis=0}", "F32[1, 24*N]"},
                                         Case{"a: F32[N, 1, 6, 1]", "Squeeze(a) {axes=[-1]}", "F32[N, 1, 6]"},
                                         Case{"a: F32[N, 1, 6, 1]", "Squeeze(a)", "F32[N, 6]"},
                                         Case{"a: F32[N, 2]", "Squeeze(a) {axes=[1]}", "error: expected 1"},
                                         Case{"a: F32[N, 2]", "Unsqueeze(a) {axes=[-1, 0]}", "F32[1, N, 2, 1]"},
                                         Case{"a: F32[N, 1]", "Expand(a) {shape=[3, 1, 4]}", "F32[3, N, 4]"},
                                         Case{"a: F32[N, 2]", "Shape(a)", "I64[2]"},
                                         Case{"a: F32[N, 2]", "Shape(a) {start=-1}", "I64[1]"},
                                         Case{"a: F32[N, 2]", "Cast(a) {to=\"I32\"}", "I32[N, 2]"},
                                         Case{"a: F32[N, 2]", "Cast(a) {to=\"int\"}", "error: dtype"},
                                         Case{"a: F32[N, 2]", "Dropout(a) {ratio=0.1}", "F32[N, 2]"}));

INSTANTIATE_TEST_SUITE_P(
    Rest, Infer,
    testing::Values(Case{"a: F32[N, 4, 6]", "ReduceMean(a) {axes=[-1]}", "F32[N, 4, 1]"},
                    Case{"a: F32[N, 4, 6]", "ReduceSum(a) {keepdims=0}", "F32[]"},
                    Case{"a: F32[N, 4, 6]", "ReduceMax(a) {axes=[0, 3]}", "error: axis"},
                    Case{"a: F32[N, 4]", "ArgMax(a) {axis=1, keepdims=0}", "I64[N]"},
                    Case{"a: F32[N, 4]", "TopK(a) {k=3}", "F32[N, 3]; I64[N, 3]"},
                    Case{"a: F32[N, 4]", "TopK(a) {k=5}", "error: k in;"},
                    Case{"a: F32[N, 4, h, 5]", "Resize(a) {scales=[1.0, 1.0, 2.0, 1.5]}", "F32[N, 4, 2*h, 7]"},
                    Case{"a: F32[N, 4, h, 5]", "Resize(a) {scales=[1.0, 1.0, 0.5, 1.0]}", "F32[N, 4, floor(h/2), 5]"},
                    Case{"a: F32[N, 4, h, 5]", "Resize(a) {sizes=[-1, -1, 7, 9], mode=\"linear\"}", "F32[N, 4, 7, 9]"},
                    Case{"a: F32[N, 4, h, 5]", "Resize(a) {sizes=[-1, -1, 7, 9], mode=\"cubic\"}", "error: mode"},
                    Case{"a: F32[N, 4]  s: F32[]  z: I8[]", "QuantizeLinear(a, s, z)", "I8[N, 4]"},
                    Case{"a: F32[N, 4]  s: F32[4]", "QuantizeLinear(a, s)", "U8[N, 4]"},
                    Case{"a: F32[N, 4]  s: F32[3]", "QuantizeLinear(a, s)", "error: scale size"},
                    Case{"a: I8[4, 3]  s: F32[4]  z: I8[4]", "DequantizeLinear(a, s, z) {axis=0}", "F32[4, 3]"},
                    Case{"a: F32[4]  s: F32[]", "DequantizeLinear(a, s)", "error: integer"},
                    Case{"a: F32[N, 4]  s: F32[1]  z: I32[1]", "pare.FakeQuant(a, s, z)", "F32[N, 4]"},
                    Case{"a: F32[N, 4]  s: F32[4]  z: I32[4]", "pare.FakeQuant(a, s, z)", "error: axis"},
                    Case{"a: F32[N, 4]  s: F32[1]  z: I32[1]", "pare.FakeQuant(a, s, z) {bits=1}", "error: bits"}));

// x.view(x.size(0), -1) and friends as exporters write them.
TEST(InferContents, ShapeChains) {
  GraphWithConstants model;
  const auto literal = [&model](const std::string& name, std::vector<int64_t> values, Shape shape) {
    model.constants.set(name, Tensor::of<int64_t>(values, shape));
    return model.graph.add_constant(name, Role::kLiteral, DType::kI64, shape);
  };
  Graph& g = model.graph;
  const ValueId x = g.add_input("x", DType::kF32, {Dim::symbol("N"), 4, Dim::symbol("h"), 6});
  const ValueId shape = g.add("Shape", "shape", {x});
  const ValueId batch = g.add("Gather", "batch", {shape, literal("zero", {0}, {})}, {{"axis", int64_t{0}}});
  const ValueId height = g.add("Gather", "height", {shape, literal("minus2", {-2}, {1})});
  const ValueId twice = g.add("Mul", "twice", {height, literal("two", {2}, {1})});
  const ValueId half = g.add("Div", "half", {twice, literal("two_b", {2}, {})});
  const ValueId row = g.add("Unsqueeze", "row", {batch}, {{"axes", std::vector<int64_t>{0}}});
  const ValueId target = g.add("Concat", "target", {row, half, literal("rest", {-1}, {1})}, {{"axis", int64_t{0}}});
  const ValueId cast = g.add("Cast", "cast", {target}, {{"to", std::string("I64")}});
  g.set_outputs({g.add("Reshape", "y", {x, cast})});
  const auto contents = infer_contents(g, model.constants, builtin_ops());
  EXPECT_EQ(*g.value(g.find_value("y")).shape, (DimShape{Dim::symbol("N"), Dim::symbol("h"), 24}));
  EXPECT_EQ(contents.at(half), (DimShape{Dim::symbol("h")}));
}

TEST(InferContents, DivisionThatMayRoundTowardsZeroIsUnknown) {
  GraphWithConstants model;
  Graph& g = model.graph;
  model.constants.set("c", Tensor::of<int64_t>({-3}, {1}));
  model.constants.set("two", Tensor::of<int64_t>({2}, {1}));
  const ValueId c = g.add_constant("c", Role::kLiteral, DType::kI64, {1});
  const ValueId two = g.add_constant("two", Role::kLiteral, DType::kI64, {1});
  const ValueId y = g.add("Div", "y", {c, two});
  g.set_outputs({y});
  EXPECT_EQ(infer_contents(g, model.constants, builtin_ops()).count(y), 0u);
}

}  // namespace
}  // namespace pare
