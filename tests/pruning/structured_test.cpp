// Structured pruning of zoo models: the target is hit, masked equals shrunk, failures change nothing.

#include "pruning/structured/structured.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "core/graph/surgery.h"
#include "tests/pruning/small_task.h"
#include "tests/zoo_model.h"

namespace pare {
namespace {

// fp32 sums in another order, relative to the largest output; the same bound as surgery's own.
constexpr double kMaskedEqualsShrunk = kSurgeryTolerance;
// The largest share that one unit of ResNet-20 carries: a channel of the first stage's stream has 1 % of the MACs, one
// of the last stage's stream (six 3x3 convolutions of 64 channels) 6 * 64 * 9 of 269,722 parameters.
constexpr double kOneUnitOfMacs = 0.01;
constexpr double kOneUnitOfParams = 6.0 * 64 * 9 / 269722 + 0.001;

StructuredConfig half_of(const std::string& what) {
  StructuredConfig config;
  if (what == "macs") config.target.macs = 0.5;
  if (what == "params") config.target.params = 0.5;
  if (what == "channels") config.target.channels = 0.5;
  return config;
}

std::vector<at::Tensor> probe() {
  at::manual_seed(3);
  return {at::randn({4, 3, 32, 32})};
}

class Structured : public ::testing::TestWithParam<const char*> {};

TEST_P(Structured, HitsTheTargetAndMaskedEqualsShrunk) {
  Model model = zoo_model("resnet20");
  const StructuredReport report = prune_structured(model, half_of(GetParam()), probe());
  EXPECT_LT(report.max_difference, kMaskedEqualsShrunk);
  EXPECT_GT(report.units_removed, 0);
  const double macs = static_cast<double>(report.macs_after) / static_cast<double>(report.macs_before);
  const double params = static_cast<double>(report.params_after) / static_cast<double>(report.params_before);
  if (GetParam() == std::string("macs")) {
    EXPECT_LE(macs, 0.5);
    EXPECT_GE(macs, 0.5 - kOneUnitOfMacs);
  }
  if (GetParam() == std::string("params")) {
    EXPECT_LE(params, 0.5);
    EXPECT_GE(params, 0.5 - kOneUnitOfParams);
  }
  EXPECT_LT(macs, 1.0);
  EXPECT_EQ(model.forward(probe())[0].sizes().vec(), (std::vector<int64_t>{4, 10}));
}
INSTANTIATE_TEST_SUITE_P(Targets, Structured, ::testing::Values("macs", "params", "channels"));

TEST(StructuredRounding, WidthsAreMultiples) {
  Model model = zoo_model("resnet20");
  StructuredConfig config = half_of("macs");
  config.round_to = 4;
  const StructuredReport report = prune_structured(model, config, probe());
  for (const auto& group : report.groups) EXPECT_EQ(group.after % 4, 0) << group.name;
}

TEST(StructuredFailure, ImpossibleTargetLeavesTheModelAsItWas) {
  Model model = zoo_model("resnet20");
  StructuredConfig config;
  config.target.params = 0.01;
  config.max_sparsity = 0.2;
  const size_t nodes = model.graph().order().size();
  const at::Tensor weight = model.param("conv1.weight").raw;
  EXPECT_THROW(prune_structured(model, config, probe()), ConfigError);
  EXPECT_EQ(model.graph().order().size(), nodes);
  EXPECT_TRUE(model.param("conv1.weight").raw.is_same(weight));
}

TEST(StructuredIgnore, IgnoredLayersKeepTheirChannels) {
  Model model = zoo_model("resnet20");
  StructuredConfig config = half_of("params");
  config.ignore = Selector({"layer1.*"});
  prune_structured(model, config, probe());
  EXPECT_EQ(model.param("layer1.0.conv1.weight").raw.size(0), 16);
}

TEST(StructuredTaylor, WithoutGradientsIsAModelError) {
  Model model = zoo_model("resnet20");
  StructuredConfig config = half_of("macs");
  config.criterion = TaylorCriterion{};
  EXPECT_THROW(prune_structured(model, config, probe()), ModelError);
  at::cross_entropy_loss(model.forward(probe())[0], at::randint(10, {4}, at::kLong)).backward();
  EXPECT_GT(prune_structured(model, config, probe()).units_removed, 0);
}

TEST(StructuredNorm, RemovesTheChannelMadeSmall) {
  Model model = zoo_model("resnet20");
  model.param("layer3.1.conv1.weight").raw.set_data(model.param("layer3.1.conv1.weight").raw.detach().clone());
  for (const char* name : {"layer3.1.conv1.weight", "layer3.1.bn1.weight", "layer3.1.bn1.bias"})
    model.param(name).raw.detach().select(0, 7).zero_();
  model.param("layer3.1.conv2.weight").raw.detach().select(1, 7).zero_();
  const at::Tensor before = model.param("layer3.1.conv1.weight").raw.detach().clone();
  StructuredConfig config;
  config.target.channels = 0.999;
  prune_structured(model, config, probe());
  const at::Tensor after = model.param("layer3.1.conv1.weight").raw.detach();
  ASSERT_EQ(after.size(0), before.size(0) - 1);
  EXPECT_TRUE(after[7].equal(before[8]));
}

StructuredModifierConfig three_rounds() {
  StructuredModifierConfig config;
  config.target.params = 0.5;
  config.at_epoch = 1;
  config.rounds = 3;
  return config;
}

int64_t trained_elements(const Model& model) {
  int64_t out = 0;
  for (const Param& param : model.params())
    if (param.role == Role::kParameter) out += param.raw.numel();
  return out;
}

TEST(StructuredRounds, TakeEqualPartsAndEndAtTheTarget) {
  Model model = testing::make_model(testing::small_net(16));
  const double whole = static_cast<double>(trained_elements(model));
  StructuredModifier method(three_rounds());
  std::vector<double> left;
  testing::train(model, {&method}, testing::small_training(), 11, {.step = [&](const TrainProgress&, const Trainer& t) {
                   const double now = static_cast<double>(trained_elements(t.model())) / whole;
                   if (left.empty() || left.back() != now) left.push_back(now);
                 }});
  ASSERT_EQ(left.size(), 4u);
  EXPECT_EQ(left[0], 1.0);
  for (size_t round = 1; round < 4; ++round) {
    const double wanted = 1.0 - 0.5 * static_cast<double>(round) / 3.0;
    EXPECT_LE(left[round], wanted);
    EXPECT_GE(left[round], wanted - testing::kOneUnit);
  }
}

TEST(StructuredRounds, ResumeIsExact) {
  Model undisturbed = testing::make_model(testing::small_net());
  StructuredModifier method(three_rounds());
  testing::train(undisturbed, {&method});
  for (const int64_t stop : {5, 25, 45})
    EXPECT_TRUE(testing::same_weights(undisturbed, testing::interrupted<StructuredModifier>(three_rounds(), stop)))
        << stop;
}

TEST(StructuredRounds, ARoundBehindTheEndIsAnError) {
  Model model = testing::make_model(testing::small_net());
  StructuredModifierConfig config = three_rounds();
  config.every = 3;
  StructuredModifier method(config);
  EXPECT_THROW(testing::train(model, {&method}), ConfigError);
}

}  // namespace
}  // namespace pare
