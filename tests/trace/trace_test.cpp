#include "core/trace/trace.h"

#include <gtest/gtest.h>
#include <torch/nn/functional/activation.h>
#include <torch/nn/functional/pooling.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <algorithm>
#include <cmath>

#include "core/model/freeze.h"
#include "pruning/structured/removal.h"
#include "tests/evidence/plain_resnet.h"

namespace pare {
namespace {

namespace nn = torch::nn;
namespace F = torch::nn::functional;

// One forward of float sums, the same operators on both sides.
constexpr double kTraceTolerance = 1e-5;

nn::Conv2d window(int64_t in, int64_t out, int64_t kernel) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).padding(kernel / 2));
}

/// As one writes it: squeeze-excite, concatenation, a residual, then attention over pixels; sizes are plain integers.
struct OwnNetImpl : nn::Module {
  OwnNetImpl() {
    stem = register_module("stem", window(3, 8, 3));
    norm = register_module("norm", nn::BatchNorm2d(8));
    squeeze = register_module("squeeze", window(8, 4, 1));
    excite = register_module("excite", window(4, 8, 1));
    branch = register_module("branch", window(8, 4, 3));
    qkv = register_module("qkv", nn::Linear(12, 36));
    out = register_module("out", nn::Linear(12, 12));
    layer = register_module("layer", nn::LayerNorm(nn::LayerNormOptions({12})));
    drop = register_module("drop", nn::Dropout(0.1));
    head = register_module("head", nn::Linear(12, 5));
    shift = register_buffer("shift", torch::linspace(-1, 1, 12));
  }
  at::Tensor forward(const at::Tensor& image) {
    at::Tensor x = norm(stem(image)).relu_();
    x = x +
        x * torch::sigmoid(excite(torch::relu(squeeze(F::adaptive_avg_pool2d(x, F::AdaptiveAvgPool2dFuncOptions(1))))));
    x = torch::cat({x, branch(x)}, 1);
    const int64_t batch = x.size(0), pixels = x.size(2) * x.size(3);
    x = x.view({batch, 12, pixels}).transpose(1, 2) + shift;
    const auto parts = qkv(layer(x)).view({batch, pixels, 3, 2, 6}).permute({2, 0, 3, 1, 4}).unbind(0);
    const at::Tensor scores = torch::softmax(torch::matmul(parts[0], parts[1].transpose(-2, -1)) / std::sqrt(6.0), -1);
    x = x +
        out(torch::matmul(scores, parts[2]).transpose(1, 2).reshape({batch * pixels, 12})).view({batch, pixels, 12});
    return head(drop(x.mean(1)));
  }
  nn::Conv2d stem{nullptr}, squeeze{nullptr}, excite{nullptr}, branch{nullptr};
  nn::BatchNorm2d norm{nullptr};
  nn::Linear qkv{nullptr}, out{nullptr}, head{nullptr};
  nn::LayerNorm layer{nullptr};
  nn::Dropout drop{nullptr};
  at::Tensor shift;
};
TORCH_MODULE(OwnNet);

struct TwoImpl : nn::Module {
  std::tuple<at::Tensor, at::Tensor> forward(const at::Tensor& a, const at::Tensor& b) {
    return {a + b, (a * b).sum(1)};
  }
};

struct DataDependent : nn::Module {
  at::Tensor forward(const at::Tensor& x) { return torch::cumsum(x, 1) + torch::relu(x); }
};

double apart(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// Half of the removable units; masked and shrunk outputs are compared by remove_from.
StructuredReport prune_half(Model& model, const at::Tensor& probe) {
  const Removal removal(model, RemovalLimits{});
  std::vector<int32_t> units;
  for (size_t g = 0; g < removal.groups().groups.size(); ++g)
    if (removal.limits().allowed[g])
      for (size_t i = 0; i < removal.groups().groups[g].units.size(); i += 2)
        units.push_back(removal.groups().groups[g].units[i]);
  std::sort(units.begin(), units.end());
  return remove_from(model, removal, removal.within_limits(units), {probe});
}

TEST(Trace, own_module_gives_the_same_outputs_at_any_batch) {
  torch::manual_seed(1);
  OwnNet net;
  net->train();
  const Traced traced = trace(net, {torch::randn({2, 3, 6, 6})});
  EXPECT_TRUE(net->is_training() && net->drop->is_training());
  EXPECT_TRUE(traced.any_batch);
  EXPECT_LE(traced.largest_difference, kTraceTolerance);
  Model model = thaw(traced.frozen);
  net->eval();
  const at::NoGradGuard no_grad;
  for (const int64_t rows : {1, 2, 5}) {
    const at::Tensor x = torch::randn({rows, 3, 6, 6});
    EXPECT_LE(apart(model.forward({x})[0], net(x)), kTraceTolerance) << rows;
  }
}

TEST(Trace, names_are_the_modules) {
  OwnNet net;
  const Traced traced = trace(net, {torch::randn({2, 3, 6, 6})});
  const Model model = thaw(traced.frozen);
  for (const auto& entry : net->named_parameters()) {
    const ValueId id = model.graph().find_value(entry.key());
    ASSERT_NE(id, kNoValue) << entry.key();
    EXPECT_EQ(model.graph().value(id).role, Role::kParameter) << entry.key();
  }
  EXPECT_EQ(model.graph().value(model.graph().find_value("norm.running_mean")).role, Role::kBuffer);
  for (const char* name : {"stem", "norm", "qkv", "head"}) EXPECT_NE(model.graph().find_node(name), kNoNode) << name;
}

TEST(Trace, own_module_can_be_trained_and_pruned) {
  torch::manual_seed(2);
  OwnNet net;
  const at::Tensor x = torch::randn({4, 3, 6, 6});
  Model model = thaw(trace(net, {x}).frozen);
  model.train();
  model.forward({x})[0].square().mean().backward();
  for (const Param& param : model.params())
    EXPECT_TRUE(param.role != Role::kParameter || param.raw.grad().defined()) << param.name;
  model.train(false);
  const StructuredReport report = prune_half(model, x);
  EXPECT_GT(report.units_removed, 0);
  EXPECT_LE(report.max_difference, kTraceTolerance);
  EXPECT_LT(report.macs_after, report.macs_before);
}

TEST(Trace, a_residual_network_of_ones_own_is_pruned_without_loss) {
  torch::manual_seed(3);
  const std::shared_ptr<PlainNet> net = plain_resnet("resnet20");
  const at::Tensor x = torch::randn({2, 3, 32, 32});
  const Traced traced = trace(net, {x});
  EXPECT_TRUE(traced.any_batch);
  Model model = thaw(traced.frozen);
  const StructuredReport report = prune_half(model, x);
  EXPECT_LE(static_cast<double>(report.macs_after), 0.3 * static_cast<double>(report.macs_before));
  EXPECT_LE(report.max_difference, kTraceTolerance);
}

TEST(Trace, several_inputs_and_outputs) {
  TwoImpl module;
  const Traced traced = trace(module, {torch::randn({2, 3}), torch::randn({2, 3})});
  EXPECT_EQ(traced.frozen.graph.inputs().size(), 2u);
  EXPECT_EQ(traced.frozen.graph.outputs().size(), 2u);
  EXPECT_EQ(traced.largest_difference, 0.0);
  EXPECT_THROW(trace(module, {torch::randn({2, 3})}), ModelError);
  EXPECT_THROW(trace(module, {}), ModelError);
}

TEST(Trace, unsupported_calls_are_listed) {
  DataDependent module;
  try {
    trace(module, {torch::randn({2, 3})});
    FAIL() << "accepted";
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("\"cumsum_0\" (cumsum): the operator is not supported"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace pare
