// HESSO on a small residual network: exact zeros, lossless removal, the target, resume, errors before training.

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "core/graph/surgery.h"
#include "pruning/group_sparsity/hesso_cric.h"
#include "pruning/structured/structured.h"
#include "tests/pruning/small_task.h"

namespace pare {
namespace {

using testing::interrupted;
using testing::kOneUnit;
using testing::make_model;
using testing::remaining;
using testing::same_weights;
using testing::small_net;
using testing::small_training;
using testing::train;

HessoConfig hesso_config(const std::string& what = "macs", double share = 0.5) {
  HessoConfig config;
  if (what == "macs") config.target.macs = share;
  if (what == "params") config.target.params = share;
  if (what == "channels") config.target.channels = share;
  config.start_epoch = 1;
  config.end_epoch = 4;
  config.periods = 3;
  return config;
}

class HessoTargets : public ::testing::TestWithParam<const char*> {};

TEST_P(HessoTargets, AreHitAndRemovalIsLossless) {
  Model model = make_model(small_net());
  Hesso hesso(hesso_config(GetParam()));
  train(model, {&hesso});
  ASSERT_TRUE(hesso.done());
  const StructuredReport& report = *hesso.report();
  EXPECT_LT(report.max_difference, kSurgeryTolerance);
  if (GetParam() == std::string("channels")) {
    EXPECT_EQ(report.units_removed, 8);
  } else {
    EXPECT_LE(remaining(report, GetParam()), 0.5);
    EXPECT_GE(remaining(report, GetParam()), 0.5 - kOneUnit);
  }
  int64_t elements = 0;
  for (const Param& param : model.params())
    if (param.role == Role::kParameter) elements += param.raw.numel();
  EXPECT_EQ(elements, report.params_after);
  EXPECT_EQ(model.forward({at::randn({3, 2, 6, 6})})[0].sizes().vec(), (std::vector<int64_t>{3, 4}));
}
INSTANTIATE_TEST_SUITE_P(Measures, HessoTargets, ::testing::Values("macs", "params", "channels"));

TEST(Hesso, ZeroesStepByStepAndTheSmallModelComputesTheSame) {
  Model model = make_model(small_net());
  HessoConfig config = hesso_config();
  config.end_epoch = 2;  // ten steps after the first epoch
  config.periods = 1;
  Hesso hesso(config);
  StepContext context{.steps_per_epoch = 10, .total_steps = 60};
  const auto optimizer =
      Optimizer::create(SgdConfig{.lr = 1e-12, .momentum = 0.0}, model);  // so that only HESSO moves weights
  context.optimizer = optimizer.get();
  model.add_listener(&hesso);
  hesso.start(model, context);
  const std::vector<at::Tensor> inputs = {at::randn({8, 2, 6, 6})};
  const Model dense = model.clone();
  std::optional<Model> zeroed;
  for (context.step = 0; context.step < 20; ++context.step) {
    context.epoch = context.step / 10;
    model.train(false);
    const auto outputs = model.forward(inputs);
    const at::Tensor task = outputs[0].square().mean();
    const at::Tensor loss = hesso.loss(model, {context, inputs, {}, outputs, task}, task);
    optimizer->zero_grad();
    loss.backward();
    hesso.before_step(model, context);
    const auto shrinking = hesso.marks();
    optimizer->step();
    if (context.step == 19) {
      // All that is left of the shrinking units is (1 - 9/10) of what they were; without it the model is the masked
      // one.
      Selection gone;
      for (size_t u = 0; u < shrinking.size(); ++u)
        if (shrinking[u]) gone.units.push_back(static_cast<int32_t>(u));
      ASSERT_FALSE(gone.units.empty());
      const Removal removal(model, config);
      zeroed.emplace(model.graph(), zero_units(model.constants(), removal.groups(), gone));
    }
    hesso.after_step(model, context);
    if (context.step == 14) {
      const Removal removal(model, config);
      const UnitTable table(removal.groups(), removal.limits().allowed, model);
      const at::Tensor now = table.sums([&](const std::string& name) { return model.param(name).raw.square(); }).sqrt();
      Model start = dense.clone();
      const at::Tensor then =
          table.sums([&](const std::string& name) { return start.param(name).raw.square(); }).sqrt();
      for (int64_t u = 0; u < table.units(); ++u)
        EXPECT_NEAR((now[u] / then[u]).item<double>(), hesso.marks()[static_cast<size_t>(u)] ? 0.5 : 1.0, 1e-4) << u;
    }
  }
  ASSERT_TRUE(hesso.done());
  const at::Tensor expected = zeroed->forward(inputs)[0], got = model.forward(inputs)[0];
  EXPECT_LT((expected - got).abs().max().item<double>(), kSurgeryTolerance * expected.abs().max().item<double>());
  model.remove_listener(&hesso);
}

TEST(Hesso, TheOptimizerFollowsAndTheSmallModelTrainsOn) {
  Model model = make_model(small_net());
  Hesso hesso(hesso_config());
  std::vector<double> metric;
  train(model, {&hesso}, small_training(8), 11,
        {.epoch = [&](const EpochSummary& e) { metric.push_back(e.holdout.top1_rate()); }});
  EXPECT_GT(metric.back(), 0.6);  // chance is 0.25
}

TEST(Hesso, ResumeIsExact) {
  Model undisturbed = make_model(small_net());
  Hesso hesso(hesso_config());
  train(undisturbed, {&hesso});
  // Before the first period, inside of the second, and behind the removal.
  for (const int64_t stop : {5, 25, 45})
    EXPECT_TRUE(same_weights(undisturbed, interrupted<Hesso>(hesso_config(), stop))) << stop;
}

TEST(Hesso, AStageThatEndsEarlyStillReachesTheTarget) {
  Model model = make_model(small_net());
  HessoConfig config = hesso_config();
  config.end_epoch = 6;
  Hesso hesso(config);
  TrainConfig training = small_training();
  training.patience = 1;
  std::get<SgdConfig>(training.optimizer).lr = 1e-9;  // nothing improves
  train(model, {&hesso}, training);
  ASSERT_TRUE(hesso.done());
  EXPECT_LE(remaining(*hesso.report(), "macs"), 0.5);
}

TEST(HessoErrors, ComeBeforeTraining) {
  const auto fails = [](HessoConfig config, const GraphWithConstants& parts, const std::string& with) {
    Model model = make_model(parts);
    Hesso hesso(std::move(config));
    const Model before = model.clone();
    try {
      train(model, {&hesso});
      ADD_FAILURE() << "expected an error with " << with;
    } catch (const ConfigError& error) {
      EXPECT_NE(std::string(error.what()).find(with), std::string::npos) << error.what();
    }
    EXPECT_TRUE(same_weights(model, before));
  };
  HessoConfig config = hesso_config();
  config.max_sparsity = 0.2;
  fails(config, small_net(), "cannot be reached");
  config = hesso_config();
  config.ignore = Selector({"conv*"});
  fails(config, small_net(), "are ignored");
  config = hesso_config();
  config.ignore = Selector({"no_such_layer"});
  fails(config, small_net(), "no_such_layer");
  config = hesso_config();
  config.periods = 1000;
  fails(config, small_net(), "at least 1000 steps");
  config = hesso_config("macs", 1.0);
  fails(config, small_net(), "below 1");
  config = hesso_config();
  config.target.params = 0.5;
  fails(config, small_net(), "exactly one");
}

TEST(HessoErrors, AModelWithoutUnitsIsNamed) {
  GraphWithConstants parts = testing::two_layers(6, 12, 4);
  Graph one;
  const ValueId x = one.add_input("x", DType::kF32, {Dim::symbol("N"), Dim(6)});
  const ValueId w = one.add_constant("fc.weight", Role::kParameter, DType::kF32, {12, 6});
  one.set_outputs({one.add("Gemm", "fc", {x, w}, {{"transB", int64_t{1}}})});
  ConstantStore constants;
  constants.set("fc.weight", parts.constants.get("fc1.weight"));
  const Model model(one, constants);
  try {
    Removal(model, RemovalLimits{});
    FAIL() << "expected an error";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("all 2 dims are fixed"), std::string::npos) << error.what();
  }
}

TEST(HessoErrors, AnotherStructureChangeIsRefused) {
  Model model = make_model(small_net());
  Hesso hesso(hesso_config());
  StructuredModifierConfig other;
  other.target.channels = 0.7;
  other.at_epoch = 1;
  StructuredModifier structured(other);
  EXPECT_THROW(train(model, {&hesso, &structured}), ModelError);
}

// Accuracy of a trained network behind six more epochs that end with an eighth of the parameters.
double accuracy_of(uint64_t seed, Modifier& method) {
  Model model = make_model(small_net(16, seed));
  train(model, {}, small_training(4), seed);
  train(model, {&method}, small_training(6), seed + 100);
  return evaluate(model, testing::small_images(2000, 77)).top1_rate();
}

// The same trained network, budget, data and number of steps; nothing is fine-tuned behind the removal. Three seeds;
// the margin is above both spreads added.
TEST(HessoEffect, NeedsNoFineTuningWhereOneShotNormDoes) {
  std::vector<double> hesso, norm;
  for (const uint64_t seed : {1, 2, 3}) {
    HessoConfig config = hesso_config("params", 0.125);
    config.end_epoch = 6;
    Hesso method(config);
    hesso.push_back(accuracy_of(seed, method));
    StructuredModifierConfig one_shot;
    one_shot.target = config.target;
    one_shot.at_epoch = 5.9;  // the last of its ten steps
    StructuredModifier structured(one_shot);
    norm.push_back(accuracy_of(seed, structured));
    RecordProperty(fmt("seed{}", seed), fmt("hesso {} norm {}", hesso.back(), norm.back()));
  }
  const auto mean = [](const std::vector<double>& x) { return (x[0] + x[1] + x[2]) / 3.0; };
  const auto deviation = [&](const std::vector<double>& x) {
    double sum = 0.0;
    for (const double value : x) sum += (value - mean(x)) * (value - mean(x));
    return std::sqrt(sum / 2.0);
  };
  EXPECT_GT(mean(hesso) - mean(norm), deviation(hesso) + deviation(norm)) << mean(hesso) << " against " << mean(norm);
}

TEST(HessoCric, CorrectsChoicesAndHitsTheTarget) {
  Model model = make_model(small_net(16));
  HessoCricConfig config;
  static_cast<HessoConfig&>(config) = hesso_config();
  HessoCric method(config);
  train(model, {&method});
  ASSERT_TRUE(method.done());
  EXPECT_GT(method.corrected(), 0);
  EXPECT_LT(method.report()->max_difference, kSurgeryTolerance);
  EXPECT_LE(remaining(*method.report(), "macs"), 0.5);
  EXPECT_GE(remaining(*method.report(), "macs"), 0.5 - kOneUnit);
}

TEST(HessoCric, SamplesAscend) {
  HessoCricConfig config;
  static_cast<HessoConfig&>(config) = hesso_config();
  config.samples = {0.5, 0.25};
  EXPECT_THROW(HessoCric{config}, ConfigError);
}

}  // namespace
}  // namespace pare
