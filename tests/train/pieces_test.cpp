#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "core/base/config_write.h"
#include "core/train/clip.h"
#include "core/train/communicator.h"
#include "core/train/evaluate.h"
#include "core/train/losses.h"
#include "tests/train/support.h"

namespace pare {
namespace {

/// Closed forms in double.
constexpr double kTolerance = 1e-12;
/// A sum of a few floats.
constexpr double kFloatTolerance = 1e-6;

TEST(Schedule, Constant) { EXPECT_EQ(learning_rate(ConstantSchedule{}, 0.3, 57, 100, 10, 0), 0.3); }

TEST(Schedule, CosineHasItsClosedForm) {
  for (int64_t t : {0, 1, 25, 50, 99})
    EXPECT_NEAR(learning_rate(CosineSchedule{}, 0.2, t, 100, 10, 0),
                0.1 * (1 + std::cos(M_PI * static_cast<double>(t) / 100)), kTolerance);
  EXPECT_NEAR(learning_rate(CosineSchedule{.end = 0.5}, 0.2, 50, 100, 10, 0), 0.15, kTolerance);
}

TEST(Schedule, WarmupClimbsThenTheScheduleSpansTheRest) {
  for (int64_t t = 0; t < 20; ++t)
    EXPECT_NEAR(learning_rate(CosineSchedule{}, 0.2, t, 120, 10, 20), 0.2 * static_cast<double>(t + 1) / 20,
                kTolerance);
  EXPECT_NEAR(learning_rate(CosineSchedule{}, 0.2, 20, 120, 10, 20), 0.2, kTolerance);
  EXPECT_NEAR(learning_rate(CosineSchedule{}, 0.2, 70, 120, 10, 20), 0.1, kTolerance);
}

TEST(Schedule, StepDropsAtMilestones) {
  const StepSchedule step{.milestones = {2, 4}, .gamma = 0.1};
  const double wanted[] = {1, 1, 0.1, 0.1, 0.01, 0.01};
  for (int64_t epoch = 0; epoch < 6; ++epoch)
    for (int64_t i = 0; i < 10; ++i)
      EXPECT_NEAR(learning_rate(step, 1.0, epoch * 10 + i, 60, 10, 0), wanted[epoch], kTolerance);
}

/// Values of torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=10) as its formula gives them.
TEST(Schedule, OneCycleHasTorchsFormula) {
  const OneCycleSchedule cycle;
  const double first = 1.0 / 25, last = first / 1e4, up = 0.3 * 10 - 1, end = 9;
  auto mix = [](double a, double b, double p) { return b + (a - b) / 2 * (1 + std::cos(M_PI * p)); };
  for (int64_t t = 0; t < 10; ++t) {
    const auto x = static_cast<double>(t);
    EXPECT_NEAR(learning_rate(cycle, 1.0, t, 10, 5, 0),
                x <= up ? mix(first, 1, x / up) : mix(1, last, (x - up) / (end - up)), kTolerance);
  }
  EXPECT_NEAR(learning_rate(cycle, 1.0, 0, 10, 5, 0), 0.04, kTolerance);
  EXPECT_NEAR(learning_rate(cycle, 1.0, 2, 10, 5, 0), 1.0, kTolerance);
  EXPECT_NEAR(learning_rate(cycle, 1.0, 9, 10, 5, 0), last, kTolerance);
}

TEST(TrainConfig, ReadsAndRefuses) {
  auto read = [](const std::string& json) {
    TrainConfig config;
    read_config(config_node_from_json(Json::parse(json)), "train", config);
    return config;
  };
  const TrainConfig config =
      read(R"({"epochs": 3, "optimizer": {"adamw": {"lr": 0.001}}, "schedule": "cosine", "warmup": 0.5})");
  EXPECT_EQ(std::get<AdamWConfig>(config.optimizer).lr, 0.001);
  EXPECT_TRUE(std::holds_alternative<CosineSchedule>(config.schedule));
  for (const std::string bad :
       {R"({"epoch": 3})", R"({"optimizer": "sgdd"})", R"({"label_smoothing": 1})", R"({"batch_size": 0})",
        R"({"ema": 1.0})", R"({"schedule": "one_cycle", "warmup": 1})", R"({"warmup": 9})",
        R"({"loss": "mse", "label_smoothing": 0.1})", R"({"optimizer": {"sgd": {"momentum": 0, "nesterov": true}}})",
        R"({"loss": "crossentropy"})"})
    EXPECT_THROW(read(bad), ConfigError) << bad;
}

TEST(Losses, SmoothedCrossEntropy) {
  const at::Tensor logits = at::tensor({1.0f, 2.0f, 0.5f, -1.0f, 0.0f, 3.0f}).reshape({2, 3});
  const at::Tensor labels = at::tensor({1, 2}, at::kLong);
  double wanted = 0;
  for (int64_t n = 0; n < 2; ++n) {
    double sum = 0;
    for (int64_t c = 0; c < 3; ++c) sum += std::exp(logits[n][c].item<double>());
    for (int64_t c = 0; c < 3; ++c) {
      const double target = (c == labels[n].item<int64_t>() ? 0.9 : 0.0) + 0.1 / 3;
      wanted -= target * (logits[n][c].item<double>() - std::log(sum)) / 2;
    }
  }
  EXPECT_NEAR(cross_entropy(logits, labels, 0.1).item<double>(), wanted, kFloatTolerance);
  EXPECT_THROW(cross_entropy(logits, at::tensor({1, 3}, at::kLong)), DataError);
  EXPECT_THROW(cross_entropy(logits, at::tensor({-1, 2}, at::kLong)), DataError);
}

TEST(Losses, OneHotAndMatching) {
  const at::Tensor logits = at::tensor({1.0f, 2.0f, 0.0f, 0.0f}).reshape({2, 2});
  EXPECT_NEAR(one_hot_mse(logits, at::tensor({1, 0}, at::kLong)).item<double>(), (1 + 1 + 1 + 0) / 4.0,
              kFloatTolerance);
  EXPECT_NEAR(match_outputs({logits}, {logits + 2}, Divergence::kMse).item<double>(), 4, kFloatTolerance);
  EXPECT_NEAR(match_outputs({logits}, {logits + 2}, Divergence::kKl).item<double>(), 0,
              kFloatTolerance);  // softmax ignores shifts
  EXPECT_GT(match_outputs({logits}, {logits * 3}, Divergence::kKl).item<double>(), 0.01);
  EXPECT_THROW(match_outputs({logits}, {logits.t().reshape({4})}, Divergence::kMse), ModelError);
}

TEST(EvalResult, CountsOnlyLabelledRows) {
  EvalResult result;
  const at::Tensor logits = at::tensor({9.f,      1.f, 2.f, 3.f, 4.f, 5.f, /**/ 9.f, 1.f, 2.f, 3.f, 4.f, 5.f,
                                        /**/ 9.f, 1.f, 2.f, 3.f, 4.f, 5.f, /**/ 0.f, 0.f, 0.f, 0.f, 0.f, 1.f})
                                .reshape({4, 6});
  result.add(logits, at::tensor({0, 1, 2, -1}, at::kLong));
  EXPECT_EQ(result.count, 3);
  EXPECT_EQ(result.correct, 1);
  EXPECT_EQ(result.top5, 2);  // class 1 is the sixth best
  EXPECT_GT(result.mean_loss(), 0);
  EXPECT_THROW(result.add(logits, at::tensor({0, 1, 2, 6}, at::kLong)), DataError);
}

TEST(Clip, LimitsTheJointNorm) {
  Model model = testing::make_model(testing::two_layers(2, 2, 2));
  model.param("fc1.weight").raw.mutable_grad() = at::full({2, 2}, 3.0f);  // norm 6
  model.param("fc2.bias").raw.mutable_grad() = at::full({2}, std::sqrt(32.0f));  // norm 8
  EXPECT_NEAR(clip_gradients(model, 100), 10, 1e-5);
  EXPECT_EQ(model.param("fc1.weight").raw.grad()[0][0].item<float>(), 3.0f);
  clip_gradients(model, 5);
  EXPECT_NEAR(model.param("fc1.weight").raw.grad()[0][0].item<float>(), 1.5f, 1e-5);
}

TEST(Communicator, EnvironmentDecides) {
  ::unsetenv("WORLD_SIZE");
  EXPECT_EQ(communicator_from_environment()->size(), 1);
  ::setenv("WORLD_SIZE", "1", 1);
  EXPECT_TRUE(communicator_from_environment()->is_main());
  ::setenv("WORLD_SIZE", "2", 1);
  ::unsetenv("RANK");
  EXPECT_THROW(communicator_from_environment(), ConfigError);
  ::setenv("RANK", "2", 1);
  EXPECT_THROW(communicator_from_environment(), ConfigError);
  ::setenv("RANK", "0", 1);
  ::setenv("MASTER_PORT", "many", 1);
  EXPECT_THROW(communicator_from_environment(), ConfigError);
  for (const char* name : {"WORLD_SIZE", "RANK", "MASTER_PORT"}) ::unsetenv(name);
}

}  // namespace
}  // namespace pare
