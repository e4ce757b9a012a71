// ADMM: convergence to the projection where that is the answer, residuals, early stop, exact resume, the effect.

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "pruning/admm/admm_magnitude.h"
#include "pruning/pattern/pattern_admm.h"
#include "tests/pruning/small_task.h"

namespace pare {
namespace {

using testing::interrupted;
using testing::make_model;
using testing::same_weights;
using testing::small_net;
using testing::train;

PatternModifierConfig pattern_config(double epochs) {
  PatternModifierConfig config;
  config.patterns = 4;
  config.connectivity_sparsity = 0.5;
  config.admm.epochs = epochs;
  config.admm.updates = 6;
  config.admm.rho = 0.2;  // a stage of 60 steps
  config.admm.rho_max = 1.0;
  config.admm.patience = 0;
  return config;
}

// Minimises |W - A|^2 / 2 subject to W in the set; the answer is the projection of A.
TEST(Admm, ReachesTheProjectionOfAQuadratic) {
  Model model = make_model(small_net());
  const std::string name = "conv2.weight";
  const at::Tensor target = model.param(name).raw.detach().clone();
  MagnitudeTarget half{.sparsity = 0.5};
  const auto project = [&](const std::vector<at::Tensor>& w) {
    return std::vector<at::Tensor>{w[0] * magnitude_masks(half, {w[0].abs()}, 0.5)[0]};
  };
  Admm admm({.rho = 1.0, .rho_growth = 1.0, .rho_max = 1.0}, {name}, {{"half", project}});
  admm.start(model);
  const at::Tensor raw = model.param(name).raw;
  for (int update = 0; update < 60; ++update) {
    for (int step = 0; step < 20; ++step) {
      raw.mutable_grad() = raw.detach() - target;
      admm.add_gradients(model);
      at::Tensor data = raw.detach();
      data.sub_(raw.grad(), 0.4);
    }
    admm.update(model);
  }
  EXPECT_LT(admm.history().back().primal, 1e-3);
  EXPECT_LT(admm.history().back().dual, 1e-3);
  const at::Tensor wanted = project({target})[0];
  EXPECT_LT((raw.detach() - wanted).norm().item<double>(), 1e-2 * wanted.norm().item<double>());
}

TEST(Admm, AGrowingRhoKeepsTheUnscaledDual) {
  Model model = make_model(small_net());
  const auto nothing = [](const std::vector<at::Tensor>& w) { return std::vector<at::Tensor>{w[0] * 0.0}; };
  Admm admm({.rho = 0.5, .rho_growth = 2.0, .rho_max = 4.0}, {"conv2.weight"}, {{"zero", nothing}});
  admm.start(model);
  admm.update(model);
  EXPECT_EQ(admm.rho(), 1.0);
  const at::Tensor raw = model.param("conv2.weight").raw.detach();
  EXPECT_TRUE((admm.state().at("0/u/conv2.weight") * admm.rho()).equal(raw * 0.5));
}

TEST(PatternAdmm, PullsTheWeightsToTheSetsAndTrainsOnBehindTheMasks) {
  Model model = make_model(small_net());
  PatternPruning method(pattern_config(4));
  std::vector<AdmmResiduals> history;
  train(model, {&method}, testing::small_training(6), 11, {.step = [&](const TrainProgress&, const Trainer&) {
          if (method.admm()) history = method.admm()->history();
        }});
  EXPECT_TRUE(method.done());
  ASSERT_EQ(history.size(), 5u);  // the sixth update ends in the projection
  EXPECT_LT(history.back().primal, history.front().primal);
  for (const char* name : {"conv2.weight", "conv3.weight"})
    EXPECT_EQ(model.effective(name).count_nonzero().item<int64_t>(), 128) << name;
}

TEST(PatternAdmm, ProjectsEarlyWhenTheResidualStalls) {
  Model model = make_model(small_net());
  PatternModifierConfig config = pattern_config(6);
  config.admm.rho = config.admm.rho_max = 1e-9;  // nothing is pulled
  config.admm.patience = 2;
  config.admm.tolerance = 0.5;
  PatternPruning method(config);
  int64_t projected_at = -1;
  train(model, {&method}, testing::small_training(6), 11, {.step = [&](const TrainProgress& p, const Trainer&) {
          if (method.done() && projected_at < 0) projected_at = p.step;
        }});
  EXPECT_GT(projected_at, 0);
  EXPECT_LT(projected_at, 60);
}

TEST(PatternAdmm, ResumeIsExact) {
  Model undisturbed = make_model(small_net());
  PatternPruning method(pattern_config(4));
  train(undisturbed, {&method});
  for (const int64_t stop : {5, 25, 50})  // before the first update, inside, and behind the projection
    EXPECT_TRUE(same_weights(undisturbed, interrupted<PatternPruning>(pattern_config(4), stop))) << stop;
}

TEST(PatternAdmm, MoreEpochsThanTheStageHasAreRefused) {
  Model model = make_model(small_net());
  PatternPruning method(pattern_config(7));
  EXPECT_THROW(train(model, {&method}), ConfigError);
}

TEST(AdmmMagnitude, EndsInTheMasksOfItsStructure) {
  for (const SparsityStructure structure :
       {SparsityStructure::kUnstructured, SparsityStructure::kNofM, SparsityStructure::kBlock}) {
    Model model = make_model(small_net());
    AdmmMagnitudeConfig config;
    config.structure = structure;
    config.ignore = Selector({"conv1", "fc"});
    config.admm.epochs = 1;
    AdmmMagnitude method(config);
    train(model, {&method}, testing::small_training(2));
    EXPECT_EQ(sparsity_of(model, {"conv2.weight", "conv3.weight"}), 0.5) << enum_name(structure);
  }
}

// Accuracy of a trained network behind six more epochs that end at 4.5x fewer weights in its two pruned layers.
double accuracy_with(uint64_t seed, double epochs) {
  Model model = make_model(small_net(16, seed));
  train(model, {}, testing::small_training(4), seed);
  PatternModifierConfig config = pattern_config(epochs);
  config.connectivity_sparsity = 0.5;
  PatternPruning method(config);
  train(model, {&method}, testing::small_training(6), seed + 100);
  return evaluate(model, testing::small_images(2000, 77)).top1_rate();
}

TEST(PatternEffect, AdmmAgainstStraightProjection) {
  double admm = 0.0, straight = 0.0;
  for (const uint64_t seed : {1, 2, 3}) {
    const double with = accuracy_with(seed, 3), without = accuracy_with(seed, 0);
    RecordProperty(fmt("seed{}", seed), fmt("admm {} straight {}", with, without));
    admm += with / 3.0;
    straight += without / 3.0;
  }
  // Chance is 0.25. On a task this small neither method wins (90.5 against 90.9 %); the spread over seeds is 0.01.
  EXPECT_GT(std::min(admm, straight), 0.8);
  EXPECT_NEAR(admm, straight, 0.04);
}

}  // namespace
}  // namespace pare
