// Logit distillation against its closed forms. Tolerance: float softmax over ten classes.

#include "distill/losses/kd.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace pare {
namespace {

constexpr double kTolerance = 1e-6;

at::Tensor logits(std::vector<double> values, int64_t classes) {
  return at::tensor(values, at::kDouble).reshape({-1, classes});
}

TEST(KdLoss, IsZeroForEqualLogitsAndForShiftedOnes) {
  const at::Tensor teacher = logits({1, 2, 3, -1, 0, 4}, 3);
  EXPECT_NEAR(kd_loss(teacher, teacher, 4.0).item<double>(), 0.0, kTolerance);
  EXPECT_NEAR(kd_loss(teacher + 7.0, teacher, 4.0).item<double>(), 0.0, kTolerance);
}

TEST(KdLoss, EqualsTheHandComputedDivergence) {
  // One row, two classes, T = 2: p = softmax([1, 0]), q = softmax([0, 0]).
  const double p = 1.0 / (1.0 + std::exp(-1.0));
  const double kl = p * std::log(p / 0.5) + (1 - p) * std::log((1 - p) / 0.5);
  EXPECT_NEAR(kd_loss(logits({0, 0}, 2), logits({2, 0}, 2), 2.0).item<double>(), 4.0 * kl, kTolerance);
}

TEST(KdLoss, GradientIsTemperatureTimesTheProbabilityDifference) {
  const double temperature = 3.0;
  at::Tensor student = logits({0.5, -1, 2, 1, 1, 1}, 3).requires_grad_();
  const at::Tensor teacher = logits({1, 2, 3, 0, 0, 1}, 3);
  kd_loss(student, teacher, temperature).backward();
  const at::Tensor expected =
      (at::softmax(student.detach() / temperature, -1) - at::softmax(teacher / temperature, -1)) * temperature / 2.0;
  EXPECT_LT((student.grad() - expected).abs().max().item<double>(), kTolerance);
}

TEST(KdLoss, OtherClassCountIsAModelError) {
  EXPECT_THROW(kd_loss(at::ones({2, 10}), at::ones({2, 100}), 4.0), ModelError);
}

}  // namespace
}  // namespace pare
