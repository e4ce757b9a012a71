// Attributes and shapes as a hostile file may hold them: every run ends with a result or a ModelError.
#include <gtest/gtest.h>

#include <limits>

#include "tests/runtime/support.h"

namespace pare::test {
namespace {

using Ints = std::vector<int64_t>;

struct HostileCase {
  std::string op;
  std::vector<Tensor> operands;
  Attrs attrs;
  int outputs = 1;
};

Tensor floats(const Shape& shape) { return random_floats(shape, 1, 0.1, 1.0); }

std::vector<HostileCase> cases() {
  const Tensor image = floats({1, 4, 6, 6}), matrix = floats({4, 6}), vector = floats({4});
  const Attrs window = {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}, {"dilations", Ints{1, 1}}, {"pads", Ints{1, 1, 1, 1}}};
  Attrs conv = window;
  conv.set("group", int64_t{2});
  conv.set("kernel_shape", Ints{3, 3});
  return {
      {"Conv", {image, floats({4, 2, 3, 3}), vector}, conv},
      {"ConvTranspose", {image, floats({4, 2, 3, 3})}, conv},
      {"MaxPool", {image}, window},
      {"AveragePool", {image}, window},
      {"Gemm", {matrix, floats({3, 6})}, {{"transA", int64_t{0}}, {"transB", int64_t{1}}, {"alpha", 1.0}}},
      {"Softmax", {matrix}, {{"axis", int64_t{1}}}},
      {"LayerNormalization", {matrix, floats({6})}, {{"axis", int64_t{1}}, {"epsilon", 1e-5}}},
      {"GroupNormalization", {image, vector, vector}, {{"num_groups", int64_t{2}}}},
      {"ReduceMean", {image}, {{"axes", Ints{1, 2}}, {"keepdims", int64_t{1}}}},
      {"ArgMax", {matrix}, {{"axis", int64_t{0}}}},
      {"TopK", {matrix}, {{"k", int64_t{2}}, {"axis", int64_t{1}}}, 2},
      {"Concat", {matrix, matrix}, {{"axis", int64_t{1}}}},
      {"Split", {matrix}, {{"axis", int64_t{0}}, {"split", Ints{1, 3}}}, 2},
      {"Slice", {matrix}, {{"starts", Ints{0, 1}}, {"ends", Ints{4, 5}}, {"axes", Ints{0, 1}}, {"steps", Ints{2, 1}}}},
      {"Pad", {matrix}, {{"pads", Ints{1, 0, 0, 2}}, {"value", 1.0}}},
      {"Pad", {matrix}, {{"pads", Ints{1, 0, 0, 2}}, {"mode", std::string("reflect")}}},
      {"Transpose", {image}, {{"perm", Ints{0, 2, 3, 1}}}},
      {"Tile", {matrix}, {{"repeats", Ints{2, 1}}}},
      {"DepthToSpace", {image}, {{"blocksize", int64_t{2}}}},
      {"Gather", {matrix, Tensor::of<int64_t>({1, 0}, {2})}, {{"axis", int64_t{1}}}},
      {"Reshape", {matrix}, {{"shape", Ints{2, -1}}}},
      {"Expand", {vector}, {{"shape", Ints{3, 4}}}},
      {"Flatten", {image}, {{"axis", int64_t{2}}}},
      {"Unsqueeze", {matrix}, {{"axes", Ints{0, 2}}}},
      {"Squeeze", {floats({1, 3, 1})}, {{"axes", Ints{0, 2}}}},
      {"Shape", {image}, {{"start", int64_t{1}}, {"end", int64_t{3}}}},
      {"Resize", {image}, {{"scales", std::vector<double>{1, 1, 2, 1.5}}, {"mode", std::string("linear")}}},
      {"Resize", {image}, {{"sizes", Ints{-1, -1, 3, 12}}}},
      {"QuantizeLinear", {matrix, vector}, {{"axis", int64_t{0}}}},
      {"pare.FakeQuant", {matrix, vector, Tensor::of<int32_t>({0, 1, 2, 3}, {4})}, {{"axis", int64_t{0}}, {"bits", int64_t{8}}}},
      {"Clip", {matrix}, {{"min", 0.2}, {"max", 0.4}}},
      {"Add", {image, floats({4, 1, 1})}, {}},
      {"MatMul", {floats({2, 4, 6}), floats({6, 3})}, {}},
      {"Cast", {matrix}, {{"to", std::string("I8")}}},
  };
}

constexpr int64_t kExtremes[] = {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), -(int64_t{1} << 40),
                                 int64_t{1} << 40, int64_t{1} << 20, -7, -1, 0, 1, 2, 3, 7};

// The attribute with one number replaced, or the list made longer or shorter.
std::vector<Attr> mutations(const Attr& attr) {
  std::vector<Attr> out;
  for (int64_t value : kExtremes) {
    if (std::holds_alternative<int64_t>(attr)) out.push_back(value);
    if (std::holds_alternative<double>(attr)) out.push_back(static_cast<double>(value));
    if (const auto* list = std::get_if<Ints>(&attr)) {
      for (size_t i = 0; i < list->size(); ++i) {
        Ints changed = *list;
        changed[i] = value;
        out.push_back(changed);
      }
    }
    if (const auto* list = std::get_if<std::vector<double>>(&attr)) {
      for (size_t i = 0; i < list->size(); ++i) {
        std::vector<double> changed = *list;
        changed[i] = static_cast<double>(value);
        out.push_back(changed);
      }
    }
  }
  if (const auto* list = std::get_if<Ints>(&attr)) {
    Ints longer = *list;
    longer.push_back(1);
    out.push_back(longer);
    out.push_back(Ints(list->begin(), list->end() - 1));
    out.push_back(Ints{});
  }
  if (std::holds_alternative<double>(attr)) out.push_back(std::numeric_limits<double>::quiet_NaN());
  out.push_back(std::string("nonsense"));
  return out;
}

int runs = 0, refusals = 0;

void expect_result_or_model_error(const HostileCase& c, const Attrs& attrs, const std::vector<Tensor>& operands, const std::string& what) {
  ModelBuilder b;
  std::vector<ValueId> ids;
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < operands.size(); ++i) {
    const bool weight = i == 1 && (c.op == "Conv" || c.op == "ConvTranspose");
    const std::string name = "operand" + std::to_string(i);
    ids.push_back(weight ? b.constant(name, operands[i]) : b.input(name, operands[i].dtype(), to_dims(operands[i].shape())));
    if (!weight) inputs.push_back(operands[i]);
  }
  const NodeId node = b.model.graph.add_node(c.op, "node", ids, attrs, c.outputs);
  const std::vector<ValueId> results = b.model.graph.node(node).outputs;
  ExecutorOptions options;
  options.memory_limit = 1 << 22;
  ++runs;
  try {
    Executor(b.finish(results), options).run(inputs);
  } catch (const Error& error) {
    ++refusals;
    EXPECT_STREQ(error.kind(), "ModelError") << c.op << " " << what << ": " << error.what();
  }
}

TEST(Hostile, AttributesWithExtremeNumbers) {
  for (const HostileCase& c : cases()) {
    expect_result_or_model_error(c, c.attrs, c.operands, "as it should be");
    for (const auto& [name, attr] : c.attrs.map()) {
      for (const Attr& mutation : mutations(attr)) {
        Attrs attrs = c.attrs;
        attrs.set(name, mutation);
        expect_result_or_model_error(c, attrs, c.operands, name);
      }
      Attrs without = c.attrs;
      without.erase(name);
      expect_result_or_model_error(c, without, c.operands, "without " + name);
    }
  }
  EXPECT_GT(runs, 500);
  EXPECT_GT(refusals, 200);
}

TEST(Hostile, NumbersThatOnlyTogetherAreHarmful) {
  const Tensor matrix = floats({4, 6}), image = floats({1, 1, 6, 6});
  constexpr int64_t kLow = std::numeric_limits<int64_t>::min(), kHigh = std::numeric_limits<int64_t>::max(), kWide = int64_t{1} << 20;
  expect_result_or_model_error({"Pad", {}, {}}, {{"pads", Ints{kLow, 0, kHigh, 0}}}, {matrix}, "pads that cancel");
  expect_result_or_model_error({"Pad", {}, {}}, {{"pads", Ints{-9, 0, 9, 0}}}, {matrix}, "more cropped than there is");
  const Attrs vast = {{"kernel_shape", Ints{kWide, kWide}}, {"pads", Ints(4, kWide - 1)}, {"strides", Ints{kWide, kWide}}, {"count_include_pad", int64_t{1}}};
  expect_result_or_model_error({"AveragePool", {}, {}}, vast, {image}, "a window of 2^40 taps");
  const Tensor none = floats({0, int64_t{1} << 40, int64_t{1} << 40});
  for (const char* op : {"Transpose", "Softmax", "ReduceSum", "Relu", "GlobalAveragePool"}) {
    expect_result_or_model_error({op, {}, {}}, {}, {none}, "no elements, but a vast row");
  }
}

TEST(Hostile, OperandsOfOtherShapesAndTypes) {
  const std::vector<Tensor> others = {floats({}), floats({0}), floats({1}), floats({2, 3, 4, 5}), floats({0, 4, 6, 6}), floats({1, 4, 0, 6}),
                                      floats({1, 1, 1, 1, 1, 1, 1, 1, 1}), Tensor::of<int64_t>({1, -9}, {2}), random_integers(DType::kU8, {4, 6}, 1, 0, 255),
                                      floats({4, 6}).to(DType::kF16), floats({4, 6}).to(DType::kBool)};
  for (const HostileCase& c : cases()) {
    for (size_t i = 0; i < c.operands.size(); ++i) {
      for (const Tensor& other : others) {
        std::vector<Tensor> operands = c.operands;
        operands[i] = other;
        expect_result_or_model_error(c, c.attrs, operands, fmt("operand {} {} {}", i, other.dtype(), other.shape()));
      }
    }
  }
}

}  // namespace
}  // namespace pare::test
