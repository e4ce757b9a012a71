#include "export/onnx_export.h"

#include <gtest/gtest.h>

#include "core/import/onnx_import.h"
#include "core/zoo/zoo.h"
#include "export/onnx_write.h"
#include "tests/export/qdq_model.h"
#include "tests/format/small_model.h"

namespace pare {
namespace {

std::string bytes_of(const FrozenModel& model, int64_t opset = kDefaultOnnxOpset) {
  return onnx::serialize(to_onnx(model, opset).model);
}

FrozenModel read_back(const std::string& bytes) {
  return import_onnx(std::as_bytes(std::span(bytes)), nullptr, "test");
}

std::map<std::string, int> histogram(const Graph& graph) {
  std::map<std::string, int> out;
  for (NodeId id : graph.order()) ++out[graph.node(id).op];
  return out;
}

TEST(OnnxExport, zoo_models_come_back_as_the_same_graph) {
  for (const char* name : {"mlp", "lenet5", "resnet20"}) {
    const FrozenModel model = test::float_model(zoo(name));
    const FrozenModel back = read_back(bytes_of(model));
    EXPECT_EQ(histogram(back.graph), histogram(model.graph)) << name;
    ASSERT_EQ(back.graph.order().size(), model.graph.order().size()) << name;
    for (size_t i = 0; i < model.graph.order().size(); ++i) {
      const Node& a = model.graph.node(model.graph.order()[i]);
      const Node& b = back.graph.node(back.graph.order()[i]);
      EXPECT_EQ(a.name, b.name);
      EXPECT_EQ(model.graph.value(a.outputs[0]).shape, back.graph.value(b.outputs[0]).shape) << a.name;
    }
    for (const auto& [constant, encoded] : model.constants)
      EXPECT_TRUE(same_bytes(decode(encoded), decode(back.constants.at(constant)))) << constant;
  }
}

TEST(OnnxExport, quantized_models_come_back_with_their_integers) {
  const FrozenModel model = test::qdq_model();
  for (int64_t opset : {13, 17, 21}) {
    const FrozenModel back = read_back(bytes_of(model, opset));
    EXPECT_EQ(histogram(back.graph), histogram(model.graph));
    for (const auto& [name, encoded] : model.constants) {
      if (encoded.encoding.codec != Codec::kAffine) continue;
      const EncodedTensor& other = back.constants.at(name);
      EXPECT_EQ(encoded.encoding, other.encoding) << name;
      EXPECT_TRUE(same_bytes(decode_integers(encoded), decode_integers(other))) << name;
      EXPECT_TRUE(same_bytes(scales_of(encoded), scales_of(other))) << name;
    }
  }
}

TEST(OnnxExport, a_bias_shared_by_two_layers_is_written_once_a_layer) {
  test::QdqBuilder b;
  Graph& g = b.model.graph;
  const ValueId x = b.edge("x", g.add_input("input", DType::kF32, {Dim(1), Dim(3), Dim(4), Dim(4)}), 0.1f, 128);
  const ValueId w = b.weight("w", {4, 3, 1, 1}), bias = b.bias("b", 0.1f);
  g.set_outputs({b.edge("y", g.add("Conv", "c1", {x, w, bias}), 0.1f, 0),
                 b.edge("z", g.add("Conv", "c2", {x, w, bias}), 0.1f, 0)});
  infer_shapes(g, decode_constants(b.model), builtin_ops());
  std::set<std::string> biases;
  for (const auto& node : to_onnx(b.model).model.nodes)
    if (node.op == "Conv") biases.insert(node.inputs[2]);
  EXPECT_EQ(biases.size(), 2u);
}

TEST(OnnxExport, every_encoding_decodes_to_the_same_numbers) {
  const FrozenModel model = test::small_model();
  const OnnxExport exported = to_onnx(model);
  const FrozenModel back = read_back(onnx::serialize(exported.model));
  for (const auto& [name, encoded] : model.constants)
    EXPECT_TRUE(same_bytes(decode(encoded), decode(back.constants.at(name)))) << name;
  EXPECT_GE(exported.caveats.size(), 4u);  // 4 bits, n:m, block, bitmask, palette, sign
}

TEST(OnnxExport, versions_and_unknown_operators_are_refused) {
  const FrozenModel model = test::small_model();
  EXPECT_THROW(to_onnx(model, 12), ConfigError);
  EXPECT_THROW(to_onnx(model, 22), ConfigError);
  FrozenModel odd;
  const ValueId x = odd.graph.add_input("x", DType::kF32, {Dim(1)});
  odd.graph.set_outputs({odd.graph.add("custom.Thing", "thing", {x})});
  OpTable ops = builtin_ops();
  ops.add({.name = "custom.Thing", .infer = [](InferContext& c) { c.set(0, c.shape(0), c.dtype(0)); }});
  try {
    to_onnx(odd, 17, ops);
    FAIL();
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("\"thing\" (custom.Thing)"), std::string::npos) << error.what();
  }
}

TEST(OnnxExport, weights_that_saturate_without_vnni_are_named) {
  const auto caveats = to_onnx(test::qdq_model()).caveats;
  ASSERT_EQ(caveats.size(), 1u);
  EXPECT_NE(caveats[0].find("VNNI"), std::string::npos);
}

TEST(OnnxExport, the_same_model_gives_the_same_bytes) {
  EXPECT_EQ(bytes_of(test::qdq_model()), bytes_of(test::qdq_model()));
}

}  // namespace
}  // namespace pare
