#include <ATen/TensorOperators.h>
#include <ATen/ops/relu.h>
#include <gtest/gtest.h>

#include "core/format/safetensors.h"
#include "core/zoo/zoo.h"
#include "tests/model/helpers.h"

namespace pare::testing {
namespace {

// One update of a running statistic in fp32 against the same formula in double.
constexpr double kFp32 = 1e-6;

// x -> conv -> BatchNormalization -> relu, batch "N".
GraphWithConstants small_net() {
  GraphWithConstants out;
  Graph& g = out.graph;
  const ValueId x = g.add_input("x", DType::kF32, {Dim::symbol("N"), 3, 5, 5});
  const auto constant = [&](const std::string& name, Role role, Tensor t) {
    const ValueId id = g.add_constant(name, role, t.dtype(), t.shape());
    out.constants.set(name, std::move(t));
    return id;
  };
  const ValueId w = constant("conv.weight", Role::kParameter, random_tensor({4, 3, 3, 3}, 2));
  const ValueId conv = g.add("Conv", "conv", {x, w}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  const ValueId bn = g.add("BatchNormalization", "bn",
                           {conv, constant("bn.weight", Role::kParameter, random_tensor({4}, 3)),
                            constant("bn.bias", Role::kParameter, random_tensor({4}, 4)),
                            constant("bn.running_mean", Role::kBuffer, Tensor::of<float>({0, 0, 0, 0}, {4})),
                            constant("bn.running_var", Role::kBuffer, Tensor::of<float>({1, 1, 1, 1}, {4}))});
  g.set_outputs({g.add("Relu", "relu", {bn})});
  return out;
}

Model small_model() {
  const GraphWithConstants parts = small_net();
  return Model(parts.graph, parts.constants);
}

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const ModelError& error) {
    return error.what();
  }
  return "";
}

TEST(Model, ListsParametersByRole) {
  const Model model = small_model();
  EXPECT_EQ(model.params().size(), 5u);
  EXPECT_EQ(model.parameters().size(), 3u);
  for (const Param& p : model.params()) EXPECT_EQ(p.raw.requires_grad(), p.role == Role::kParameter) << p.name;
  EXPECT_FALSE(model.training());
}

TEST(Model, TrainingUpdatesRunningStatisticsAsTorchDoes) {
  Model model = small_model();
  const at::Tensor x = random({8, 3, 5, 5}, 9);
  const ValueId input = model.graph().inputs()[0], conv = model.graph().find_value("conv");
  const at::Tensor y = model.run({{input, x}}, {conv})[0].to(at::kDouble).transpose(0, 1).reshape({4, -1});
  const at::Tensor before = model.param("bn.running_mean").raw.clone();
  model.forward({x});
  EXPECT_TRUE(same_bits(before, model.param("bn.running_mean").raw)) << "evaluation changed the statistics";
  model.train();
  model.forward({x});
  // ONNX momentum 0.9: a tenth of the batch statistics, with the unbiased variance.
  EXPECT_LE(max_difference(model.param("bn.running_mean").raw, y.mean(1) * 0.1), kFp32);
  EXPECT_LE(max_difference(model.param("bn.running_var").raw, y.var(1, /*unbiased=*/true) * 0.1 + 0.9), 1e-5);
}

TEST(Model, RunsBetweenValueSets) {
  Model model = small_model();
  const at::Tensor x = random({2, 3, 5, 5}, 9);
  const ValueId input = model.graph().inputs()[0], conv = model.graph().find_value("conv"),
                bn = model.graph().find_value("bn");
  const auto whole = model.run({{input, x}}, {conv, bn, model.graph().outputs()[0], conv});
  const auto tail = model.run({{conv, whole[0]}}, {model.graph().outputs()[0], bn});
  EXPECT_TRUE(same_bits(whole[2], tail[0]));
  EXPECT_TRUE(same_bits(whole[1], tail[1]));
  EXPECT_TRUE(same_bits(whole[0], whole[3]));
  EXPECT_TRUE(same_bits(model.run({{bn, whole[1]}}, {model.graph().outputs()[0]})[0], at::relu(whole[1])));
  EXPECT_NE(error_of([&] {
              model.run({{bn, whole[1]}}, {conv});
            }).find("graph input \"x\" is needed"),
            std::string::npos);
}

TEST(Model, RefusesInputsThatDoNotFit) {
  Model model = small_model();
  EXPECT_NE(error_of([&] {
              model.forward({random({2, 3, 5, 6})});
            }).find("input \"x\": expected F32 of shape"),
            std::string::npos);
  EXPECT_NE(error_of([&] { model.forward({random({2, 3, 5, 5}).to(at::kLong)}); }), "");
  EXPECT_NE(error_of([&] { model.forward({}); }).find("expected 1 inputs, got 0"), std::string::npos);
  EXPECT_EQ(model.forward({random({7, 3, 5, 5})})[0].size(0), 7);
}

TEST(Model, NamesTheNodeThatFails) {
  GraphWithConstants parts = small_net();
  TorchOps ops = builtin_torch_ops();
  ops["Relu"] = [](const TorchContext& c) { return std::vector<at::Tensor>{c.inputs[0].view({-1, 1234567})}; };
  Model model(parts.graph, parts.constants, builtin_ops(), ops);
  EXPECT_EQ(error_of([&] { model.forward({random({2, 3, 5, 5})}); }).rfind("[Relu relu] ", 0), 0u);
  ops.erase("Relu");
  EXPECT_NE(error_of([&] { Model(parts.graph, parts.constants, builtin_ops(), ops); }).find("relu (Relu)"),
            std::string::npos);
}

TEST(Model, CloneIsIndependent) {
  Model model = small_model();
  model.add_link("conv.weight", std::make_shared<Mask>(random({4, 3, 3, 3}, 5).gt(0)));
  Model copy = model.clone();
  const at::Tensor x = random({2, 3, 5, 5}, 9), before = model.forward({x})[0];
  EXPECT_TRUE(same_bits(before, copy.forward({x})[0]));
  copy.param("conv.weight").raw.detach().add_(1.0);
  copy.remove_link("conv.weight", "mask");
  EXPECT_TRUE(same_bits(before, model.forward({x})[0]));
  EXPECT_GT(max_difference(before, copy.forward({x})[0]), 0.1);
}

TEST(Model, LoadingListsAllDifferences) {
  Model model = small_model();
  ConstantStore store = model.constants();
  store.erase("bn.bias");
  store.set("conv.weight", random_tensor({4, 3, 3, 2}));
  store.set("fc.weight", random_tensor({2}));
  store.set("bn.num_batches_tracked", Tensor::scalar<int64_t>(3));
  const at::Tensor before = model.param("bn.weight").raw.clone();
  const std::string text = error_of([&] { model.load_constants(store); });
  EXPECT_NE(text.find("3 differences"), std::string::npos) << text;
  for (const char* part : {"\"bn.bias\" is missing", "\"conv.weight\": expected shape [4, 3, 3, 3], got [4, 3, 3, 2]",
                           "\"fc.weight\" is not in the model"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  EXPECT_TRUE(same_bits(before, model.param("bn.weight").raw));
}

TEST(Model, LentConstantsShareMemory) {
  Model model = small_model();
  const ConstantStore store = model.constants();
  EXPECT_EQ(static_cast<const void*>(store.get("conv.weight").bytes()),
            model.param("conv.weight").raw.const_data_ptr());
}

TEST(Model, DropoutFollowsItsSeedAndOnlyTrains) {
  GraphWithConstants parts;
  const ValueId x = parts.graph.add_input("x", DType::kF32, {Dim::symbol("N"), 1000});
  parts.graph.set_outputs({parts.graph.add("Dropout", "drop", {x}, {{"ratio", 0.25}})});
  Model model(parts.graph, parts.constants);
  const at::Tensor ones = at::Tensor(random({4, 1000})).fill_(1.0);
  EXPECT_TRUE(same_bits(model.forward({ones})[0], ones));
  model.train();
  model.seed(5);
  const at::Tensor first = model.forward({ones})[0], second = model.forward({ones})[0];
  model.seed(5);
  EXPECT_TRUE(same_bits(model.forward({ones})[0], first));
  EXPECT_FALSE(same_bits(first, second));
  const double kept = first.gt(0).to(at::kDouble).mean().item<double>();
  EXPECT_NEAR(kept, 0.75, 0.03);  // six standard deviations of 4,000 draws are 0.041
  EXPECT_NEAR(first.max().item<double>(), 1.0 / 0.75, kFp32);
}

TEST(Model, SqueezeWithoutAxesKeepsABatchOfOne) {
  GraphWithConstants parts;
  const ValueId x = parts.graph.add_input("x", DType::kF32, {Dim::symbol("N"), 3, 1, 1});
  parts.graph.set_outputs({parts.graph.add("Squeeze", "squeeze", {x})});
  Model model(parts.graph, parts.constants);
  EXPECT_EQ(model.forward({random({1, 3, 1, 1})})[0].sizes().vec(), (std::vector<int64_t>{1, 3}));
}

TEST(Model, LoadsTheTrainedResNet) {
  const GraphWithConstants parts = zoo("resnet20", {.initialise = false});
  Model model(parts.graph, parts.constants);
  ConstantStore weights;
  for (const auto& [name, tensor] : read_safetensors("examples/data/resnet20_cifar10.safetensors").tensors)
    weights.set(name, tensor);
  model.load_constants(weights);
  const at::Tensor out = model.forward({random({2, 3, 32, 32})})[0];
  EXPECT_EQ(out.sizes().vec(), (std::vector<int64_t>{2, 10}));
  EXPECT_GT(max_abs(out), 1.0);
}

// Results that take the memory of an input nobody else reads must not change what anybody sees: fetching every value
// keeps all of them in memory of their own.
TEST(Model, ReusedMemoryChangesNoValueAndNoGradient) {
  const GraphWithConstants built = zoo("resnet20");
  const auto gradients = [&](bool fetch_all) {
    Model model(built.graph, built.constants);
    model.train();
    std::vector<ValueId> fetch = built.graph.outputs();
    if (fetch_all)
      for (NodeId node : built.graph.order()) fetch.push_back(built.graph.node(node).outputs[0]);
    const at::Tensor x = random({2, 3, 32, 32}, 5);
    const at::Tensor before = x.clone();
    const at::Tensor out = model.run({{built.graph.inputs()[0], x}}, fetch)[0];
    (out * out).sum().backward();
    EXPECT_TRUE(same_bits(x, before));
    std::vector<at::Tensor> result{out.detach()};
    for (const at::Tensor& parameter : model.parameters()) result.push_back(parameter.grad());
    return result;
  };
  const auto reused = gradients(false), kept = gradients(true);
  ASSERT_EQ(reused.size(), kept.size());
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_TRUE(same_bits(reused[i], kept[i])) << i;
}

}  // namespace
}  // namespace pare::testing
