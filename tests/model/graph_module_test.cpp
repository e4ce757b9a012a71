#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <torch/optim/sgd.h>

#include <set>

#include "core/format/safetensors.h"
#include "core/model/graph_module.h"
#include "core/model/rewrite.h"
#include "core/zoo/zoo.h"
#include "tests/evidence/plain_resnet.h"
#include "tests/model/helpers.h"

namespace pare::testing {
namespace {

// The same operators on the same weights; libtorch may choose another blocking.
constexpr double kForwardTolerance = 1e-5;
// Rounding grows through three updates of 20 layers with batch statistics.
constexpr double kTrainTolerance = 1e-4;

std::shared_ptr<GraphModule> trained_resnet() {
  const GraphWithConstants parts = zoo("resnet20", {.initialise = false});
  Model model(parts.graph, parts.constants);
  ConstantStore weights;
  for (const auto& [name, tensor] : read_safetensors("examples/data/resnet20_cifar10.safetensors").tensors)
    weights.set(name, tensor);
  model.load_constants(weights);
  return std::make_shared<GraphModule>(std::move(model));
}

// Both sides register their tensors in the order of the layers.
std::shared_ptr<PlainNet> by_hand_like(GraphModule& from) {
  at::NoGradGuard no_grad;
  auto out = plain_resnet("resnet20");
  const auto parameters = from.parameters(), buffers = from.buffers();
  auto to = out->parameters();
  EXPECT_EQ(parameters.size(), to.size());
  for (size_t i = 0; i < to.size(); ++i) to[i].copy_(parameters.at(i));
  size_t next = 0;
  for (at::Tensor& buffer : out->buffers())
    if (buffer.is_floating_point()) buffer.copy_(buffers.at(next++));  // others count batches
  EXPECT_EQ(next, buffers.size());
  return out;
}

TEST(GraphModule, HasTheSourceModelsNames) {
  auto graph_module = trained_resnet();
  std::set<std::string> ours, theirs;
  for (const auto& p : graph_module->named_parameters()) ours.insert(p.key());
  for (const auto& b : graph_module->named_buffers()) ours.insert(b.key());
  for (const auto& [name, tensor] : read_safetensors("examples/data/resnet20_cifar10.safetensors").tensors)
    theirs.insert(name);
  EXPECT_EQ(ours, theirs);
  EXPECT_TRUE(ours.count("layer1.0.conv1.weight"));
}

TEST(GraphModule, ComputesWhatAHandWrittenModuleDoes) {
  auto graph_module = trained_resnet();
  const auto by_hand = by_hand_like(*graph_module);
  by_hand->eval();
  const at::Tensor x = random({8, 3, 32, 32});
  EXPECT_LE(max_difference(graph_module->forward(x), by_hand->forward(x)), kForwardTolerance);
}

TEST(GraphModule, TrainsAsAHandWrittenModuleDoes) {
  auto graph_module = trained_resnet();
  const auto by_hand = by_hand_like(*graph_module);
  graph_module->train();
  by_hand->train();
  torch::optim::SGD ours(graph_module->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9));
  torch::optim::SGD theirs(by_hand->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9));
  const at::Tensor target = at::tensor(std::vector<int64_t>{3, 1, 4, 1, 5, 9, 2, 6}, at::kLong);
  const auto run = [&](auto& module, torch::optim::SGD& optimizer, const at::Tensor& x) {
    optimizer.zero_grad();
    const at::Tensor loss = at::cross_entropy_loss(module.forward(x), target);
    loss.backward();
    optimizer.step();
    return loss.template item<double>();
  };
  for (uint64_t step = 0; step < 3; ++step) {
    const at::Tensor x = random({8, 3, 32, 32}, 20 + step);
    const double wanted = run(*by_hand, theirs, x);
    EXPECT_NEAR(run(*graph_module, ours, x), wanted, kTrainTolerance * std::max(1.0, wanted));
  }
}

TEST(GraphModule, FollowsStructureChanges) {
  auto graph_module = trained_resnet();
  rewrite(graph_module->model(), inference_passes());
  const auto parameters = graph_module->named_parameters();
  EXPECT_FALSE(parameters.contains("bn1.weight"));
  ASSERT_TRUE(parameters.contains("conv1.bias"));
  EXPECT_TRUE(parameters["conv1.bias"].is_same(graph_module->model().param("conv1.bias").raw));
}

TEST(GraphModule, ClonesAndSwitchesMode) {
  auto graph_module = trained_resnet();
  EXPECT_FALSE(graph_module->is_training());
  graph_module->train();
  EXPECT_TRUE(graph_module->model().training());
  const auto copy = std::dynamic_pointer_cast<GraphModule>(graph_module->clone());
  ASSERT_TRUE(copy);
  const at::Tensor before = copy->named_parameters()["linear.bias"].detach().clone();
  graph_module->named_parameters()["linear.bias"].detach().add_(1.0);
  EXPECT_TRUE(same_bits(before, copy->named_parameters()["linear.bias"]));
}

}  // namespace
}  // namespace pare::testing
