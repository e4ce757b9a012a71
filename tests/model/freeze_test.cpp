#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "core/format/pare_file.h"
#include "core/model/freeze.h"
#include "core/model/rewrite.h"
#include "core/runtime/executor.h"
#include "core/zoo/zoo.h"
#include "tests/model/helpers.h"

namespace pare::testing {
namespace {

// The bar of the executor against the training side, in parts of the output's range.
constexpr double kExecutorTolerance = 1e-4;

Model trained_like(const std::string& name) {
  const GraphWithConstants parts = zoo(name, {.image_size = 32, .seed = 5});
  Model model(parts.graph, parts.constants);
  model.train();
  model.forward({random({8, 3, 32, 32}, 2)});
  model.train(false);
  return model;
}

void put_fake_quant(Graph& g, ConstantStore& fresh, Remap& remap, const std::string& value_name, bool per_channel) {
  const ValueId x = g.find_value(value_name);
  const int64_t cells = per_channel ? 16 : 1;
  const std::string base = value_name + ".quant";
  fresh.set(base + ".scale", lend(at::full({cells}, 0.05, at::kFloat)));
  fresh.set(base + ".zero_point", lend(at::full({cells}, 3, at::kInt)));
  for (const char* part : {".scale", ".zero_point"}) remap.entries[base + part] = {.kind = ParamRemap::Kind::kNew};
  const std::vector<NodeId> users = g.users(x);
  const NodeId fake = g.add_node("pare.FakeQuant", base,
                                 {x, g.add_constant(base + ".scale", Role::kBuffer, DType::kF32, {cells}),
                                  g.add_constant(base + ".zero_point", Role::kBuffer, DType::kI32, {cells})},
                                 {{"bits", int64_t{8}}, {"axis", per_channel ? int64_t{1} : int64_t{-1}}});
  for (NodeId user : users)
    for (ValueId& input : g.node(user).inputs)
      if (input == x) input = g.node(fake).outputs[0];
  g.move_before(fake, users.front());
}

// Masked, quantized weights, quantized activations, integer bias.
Model compressed() {
  Model model = trained_like("resnet20");
  rewrite(model, inference_passes());
  Graph g = model.graph();
  ConstantStore fresh;
  Remap remap;
  put_fake_quant(g, fresh, remap, "input", false);
  put_fake_quant(g, fresh, remap, g.value(g.node(g.find_node("layer1.0.conv2")).inputs[0]).name, true);
  model.adopt(g, remap, fresh);
  model.add_link("layer1.0.conv2.weight",
                 std::make_shared<Mask>(random({16, 16, 3, 3}, 4).gt(0), Encoding{.layout = Layout::kBitmask}));
  model.add_link("layer1.1.conv1.weight",
                 std::make_shared<Mask>(random({16, 16, 3, 3}, 6).gt(0), Encoding{.layout = Layout::kBitmask}));
  const Encoding int8{.codec = Codec::kAffine, .bits = 8, .is_signed = true, .axis = 0};
  model.add_link("layer1.0.conv2.weight",
                 std::make_shared<AffineQuant>(at::full({16}, 0.004), at::zeros({16}, at::kInt), int8));
  model.add_link("conv1.bias",
                 std::make_shared<AffineQuant>(at::full({1}, 1e-4), at::zeros({1}, at::kInt),
                                               Encoding{.codec = Codec::kAffine, .bits = 32, .is_signed = true}));
  return model;
}

bool same_constants(const FrozenModel& a, const FrozenModel& b) {
  if (a.constants.size() != b.constants.size()) return false;
  for (const auto& [name, x] : a.constants) {
    const auto it = b.constants.find(name);
    if (it == b.constants.end() || !(x.encoding == it->second.encoding) || x.parts.size() != it->second.parts.size())
      return false;
    for (const auto& [part, tensor] : x.parts)
      if (!it->second.parts.count(part) || !same_bytes(tensor, it->second.parts.at(part))) return false;
  }
  return true;
}

TEST(Freeze, LeavesTheModelAloneAndFoldsOnACopy) {
  Model model = trained_like("resnet20");
  const Tensor x = random_tensor({3, 3, 32, 32}, 9);
  const at::Tensor before = model.forward({borrow(x)})[0];
  const FrozenModel frozen = freeze(model, {{x}}, {.labels = {"a", "b"}});
  EXPECT_TRUE(same_bits(before, model.forward({borrow(x)})[0]));
  EXPECT_NE(model.graph().find_node("bn1"), kNoNode);
  for (NodeId id : frozen.graph.order()) EXPECT_NE(frozen.graph.node(id).op, "BatchNormalization");
  ASSERT_EQ(frozen.golden.size(), 1u);
  EXPECT_LE(max_difference(borrow(frozen.golden[0].outputs.at(0)), before), kFoldTolerance * max_abs(before));
  EXPECT_EQ(frozen.labels.size(), 2u);
}

TEST(Freeze, TheExecutorAgreesOnFloatModels) {
  for (const char* name : {"resnet20", "mobilenet_v2"}) {
    const FrozenModel frozen = freeze(trained_like(name), {{random_tensor({2, 3, 32, 32}, 9)}});
    Executor executor(frozen);
    const at::Tensor got = borrow(executor.run(frozen.golden[0].inputs).at(0));
    const at::Tensor wanted = borrow(frozen.golden[0].outputs[0]);
    EXPECT_LE(max_difference(got, wanted), kExecutorTolerance * 2 * max_abs(wanted)) << name;
  }
}

TEST(Freeze, FakeQuantBecomesQuantizeAndDequantize) {
  Model model = compressed();
  const Tensor x = random_tensor({2, 3, 32, 32}, 9);
  const FrozenModel frozen = freeze(model, {{x}});
  EXPECT_EQ(frozen.graph.find_node("layer1.0.conv2.quant"), kNoNode);
  const Node& dq = frozen.graph.node(frozen.graph.find_node("input.quant"));
  EXPECT_EQ(dq.op, "DequantizeLinear");
  EXPECT_EQ(frozen.graph.node(frozen.graph.find_node("input.quant.q")).op, "QuantizeLinear");
  EXPECT_EQ(frozen.constants.at("input.quant.zero_point").dtype, DType::kU8);
  // Integers and fake quantization are the same numbers, bit for bit.
  EXPECT_TRUE(same_bits(borrow(frozen.golden[0].outputs[0]), model.forward({borrow(x)})[0]));
}

TEST(Thaw, FreezesToTheSameConstants) {
  const FrozenModel first = freeze(compressed(), {{random_tensor({2, 3, 32, 32}, 9)}});
  Model model = thaw(first);
  EXPECT_EQ(model.graph().node(model.graph().find_node("input.quant")).op, "pare.FakeQuant");
  EXPECT_EQ(model.graph().find_node("input.quant.q"), kNoNode);
  EXPECT_EQ(model.param("layer1.0.conv2.weight").chain.size(), 2u);
  EXPECT_EQ(model.param("layer1.1.conv1.weight").chain.at(0)->kind(), "mask");
  EXPECT_TRUE(same_bits(model.forward({borrow(first.golden[0].inputs[0])})[0], borrow(first.golden[0].outputs[0])));
  const FrozenModel second = freeze(model, {first.golden[0].inputs});
  EXPECT_TRUE(same_constants(first, second));
  EXPECT_EQ(serialize_pare(first), serialize_pare(second));
}

TEST(Thaw, MasksKeepTheirZerosWhileTheRestTrains) {
  Model model = thaw(freeze(compressed(), {}));
  const at::Tensor zeros = model.effective("layer1.1.conv1.weight").eq(0);
  model.forward({random({2, 3, 32, 32})})[0].square().sum().backward();
  const at::Tensor grad = model.param("layer1.1.conv1.weight").raw.grad();
  EXPECT_EQ(grad.masked_select(zeros).abs().sum().item<float>(), 0.0f);
  EXPECT_GT(grad.abs().sum().item<float>(), 0.0f);
  EXPECT_GT(model.param("layer1.0.conv2.weight").raw.grad().abs().sum().item<float>(), 0.0f);
}

TEST(Thaw, KeepsTheLowestIntegerOfForeignModels) {
  GraphWithConstants parts;
  const ValueId x = parts.graph.add_input("x", DType::kF32, {Dim::symbol("N"), 2});
  const ValueId w = parts.graph.add_constant("w", Role::kParameter, DType::kF32, {2, 2});
  parts.graph.set_outputs({parts.graph.add("MatMul", "y", {x, w})});
  FrozenModel frozen;
  frozen.graph = parts.graph;
  frozen.constants["w"] = encode_affine(Tensor::of<int32_t>({-128, 127, 0, 5}, {2, 2}), Tensor::of<float>({0.5f}, {1}),
                                        Tensor(), {.codec = Codec::kAffine, .bits = 8, .is_signed = true});
  EXPECT_TRUE(same_constants(frozen, freeze(thaw(frozen), {})));
}

TEST(Freeze, RefusesActivationWidthsWithoutAType) {
  Model model = compressed();
  Graph g = model.graph();
  g.node(g.find_node("input.quant")).attrs.set("bits", int64_t{4});
  model.adopt(g, {});
  EXPECT_THROW(freeze(model, {}), ModelError);
}

}  // namespace
}  // namespace pare::testing
