// Magnitude pruning on zoo models: exact sparsity, selection, the gradual schedule.

#include "pruning/magnitude/magnitude.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "tests/zoo_model.h"

namespace pare {
namespace {

// One element of the smallest weight used here (lenet5's first convolution has 150).
constexpr double kOneElement = 1.0 / 150.0;

TEST(Magnitude, LayerScopeZeroesTheShareInEveryWeight) {
  Model model = zoo_model("lenet5");
  MagnitudeTarget target{.sparsity = 0.7};
  const auto weights = selected_weights(model.graph(), target);
  EXPECT_EQ(weights.size(), 5u);
  apply_magnitude_masks(model, target, weights, target.sparsity);
  for (const auto& name : weights) EXPECT_NEAR(sparsity_of(model, {name}), 0.7, kOneElement) << name;
}

TEST(Magnitude, GlobalScopeReachesTheShareOverAllTogether) {
  Model model = zoo_model("lenet5");
  MagnitudeTarget target{.sparsity = 0.8, .scope = SparsityScope::kGlobal};
  const auto weights = selected_weights(model.graph(), target);
  apply_magnitude_masks(model, target, weights, target.sparsity);
  EXPECT_NEAR(sparsity_of(model, weights), 0.8, 1e-4);
}

TEST(Magnitude, KeptWeightsAreTheLargest) {
  Model model = zoo_model("mlp");
  MagnitudeTarget target{.sparsity = 0.5};
  const auto weights = selected_weights(model.graph(), target);
  apply_magnitude_masks(model, target, weights, 0.5);
  const at::Tensor raw = model.param(weights[0]).raw.detach().abs(), kept = model.effective(weights[0]).detach().abs();
  const double smallest_kept = kept.masked_select(kept > 0).min().item<double>();
  const double largest_dropped = raw.masked_select(kept == 0).max().item<double>();
  EXPECT_GE(smallest_kept, largest_dropped);
}

TEST(Magnitude, LaterMasksOnlyGrow) {
  Model model = zoo_model("mlp");
  MagnitudeTarget target;
  const auto weights = selected_weights(model.graph(), target);
  apply_magnitude_masks(model, target, weights, 0.3);
  const at::Tensor before = model.effective(weights[0]).eq(0);
  apply_magnitude_masks(model, target, weights, 0.6);
  EXPECT_TRUE(model.effective(weights[0]).eq(0).masked_select(before).all().item<bool>());
}

TEST(Magnitude, SelectionByNameAndIgnore) {
  Model model = zoo_model("lenet5");
  MagnitudeTarget target;
  target.ignore = Selector({"Conv"});
  EXPECT_EQ(selected_weights(model.graph(), target).size(), 3u);
  target.targets = Selector({"no_such_layer"});
  EXPECT_THROW(selected_weights(model.graph(), target), ConfigError);
}

TEST(GradualMagnitude, FollowsTheCubicSchedule) {
  GradualMagnitudeConfig config;
  config.sparsity = 0.8;
  config.start_epoch = 1;
  config.end_epoch = 3;
  const GradualMagnitude gradual(config);
  EXPECT_EQ(gradual.scheduled(9, 10, 50), 0.0);
  EXPECT_NEAR(gradual.scheduled(20, 10, 50), 0.8 * (1 - 0.125), 1e-12);
  EXPECT_EQ(gradual.scheduled(30, 10, 50), 0.8);
  EXPECT_EQ(gradual.scheduled(49, 10, 50), 0.8);
}

TEST(GradualMagnitude, EndsAtTheTargetAndResumesItsState) {
  Model model = zoo_model("mlp");
  GradualMagnitudeConfig config;
  config.sparsity = 0.9;
  config.update_steps = 1;
  GradualMagnitude gradual(config);
  StepContext context{.steps_per_epoch = 4, .total_steps = 8};
  gradual.start(model, context);
  EXPECT_FALSE(gradual.settled());
  for (context.step = 0; context.step < 8; ++context.step) gradual.before_step(model, context);
  EXPECT_TRUE(gradual.settled());
  GradualMagnitude other(config);
  other.load_state(gradual.state());
  EXPECT_EQ(other.status(), gradual.status());
  gradual.finish(model, context);
  EXPECT_NEAR(sparsity_of(model, selected_weights(model.graph(), config)), 0.9, 1e-3);
}

}  // namespace
}  // namespace pare
