// Observers against brute force. Scales are floats: compared with 1e-6 relative.

#include "quant/observers/observer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/base/error.h"

namespace pare {
namespace {

constexpr double kFloatRelative = 1e-6;
const QRange kU8 = qrange(8, false, false);

ActivationObserver observed(const at::Tensor& values) {
  ActivationObserver observer;
  observer.see_range(values);
  observer.see_counts(values);
  return observer;
}

double squared_error(const at::Tensor& values, const QParams& params, QRange range) {
  double sum = 0.0;
  const at::Tensor flat = values.contiguous();
  for (int64_t i = 0; i < flat.numel(); ++i) {
    const float x = flat.const_data_ptr<float>()[i];
    const double d = x - fake_quantize(x, params.scale, params.zero_point, range);
    sum += d * d;
  }
  return sum;
}

TEST(Observer, MinMaxCoversTheRangeAndZeroIsExact) {
  const QParams params = observed(at::tensor({-1.0f, 0.5f, 3.0f})).choose(ObserverKind::kMinMax, 100, kU8, false);
  EXPECT_NEAR(params.scale, 4.0f / 255.0f, kFloatRelative);
  EXPECT_EQ(fake_quantize(0.0f, params.scale, params.zero_point, kU8), 0.0f);
}

TEST(Observer, ReluOutputsGetZeroPointZero) {
  const QParams params = observed(at::linspace(0, 6, 100)).choose(ObserverKind::kMse, 100, kU8, false);
  EXPECT_EQ(params.zero_point, 0);
}

TEST(Observer, MseBeatsMinMaxOnAHeavyTail) {
  at::Tensor values = at::cat({at::randn({20000}).abs(), at::tensor({60.0f})});
  const ActivationObserver observer = observed(values);
  const double plain = squared_error(
      values, observer.choose(ObserverKind::kMinMax, 100, qrange(4, false, false), false), qrange(4, false, false));
  const double mse = squared_error(values, observer.choose(ObserverKind::kMse, 100, qrange(4, false, false), false),
                                   qrange(4, false, false));
  EXPECT_LT(mse, 0.7 * plain);
}

TEST(Observer, PercentileCutsTheTail) {
  const at::Tensor values = at::cat({at::linspace(0, 1, 100000), at::tensor({100.0f})});
  const QParams params = observed(values).choose(ObserverKind::kPercentile, 99.9, kU8, false);
  EXPECT_LT(params.scale * 255.0f, 1.2f);
}

TEST(Observer, PercentileOfHundredIsMinMax) {
  const at::Tensor values = at::linspace(-2, 5, 1000);
  const ActivationObserver observer = observed(values);
  EXPECT_NEAR(observer.choose(ObserverKind::kPercentile, 100.0, kU8, false).scale,
              observer.choose(ObserverKind::kMinMax, 100.0, kU8, false).scale, 1e-4);
}

TEST(Observer, ConstantAndEmptyTensorsGiveUsableParameters) {
  EXPECT_GT(observed(at::full({8}, 0.0f)).choose(ObserverKind::kMse, 100, kU8, false).scale, 0.0f);
  EXPECT_GT(observed(at::full({8}, 3.0f)).choose(ObserverKind::kMse, 100, kU8, false).scale, 0.0f);
}

TEST(Observer, InfinityIsAModelError) {
  ActivationObserver observer;
  EXPECT_THROW(observer.see_range(at::tensor({1.0f, std::numeric_limits<float>::infinity()})), ModelError);
}

TEST(WeightScales, PerChannelIsTheLargestMagnitude) {
  const at::Tensor w = at::tensor({1.0f, -2.0f, 0.5f, 0.25f}).reshape({2, 2});
  const at::Tensor scale = weight_scales(w, 0, 8, ObserverKind::kMinMax);
  EXPECT_NEAR(scale[0].item<float>(), 2.0f / 127, kFloatRelative);
  EXPECT_NEAR(scale[1].item<float>(), 0.5f / 127, kFloatRelative);
  EXPECT_EQ(weight_scales(w, -1, 8, ObserverKind::kMinMax).numel(), 1);
}

TEST(WeightScales, ZeroChannelsGetScaleOne) {
  EXPECT_EQ(weight_scales(at::full({1, 4}, 0.0f), 0, 8, ObserverKind::kMse)[0].item<float>(), 1.0f);
}

TEST(WeightScales, MseIsNeverWorseThanMinMax) {
  const at::Tensor w = at::randn({8, 64});
  for (int bits : {2, 4, 8}) {
    const QRange range = qrange(bits, true, true);
    const at::Tensor plain = weight_scales(w, 0, bits, ObserverKind::kMinMax),
                     best = weight_scales(w, 0, bits, ObserverKind::kMse);
    for (int64_t c = 0; c < 8; ++c)
      EXPECT_LE(squared_error(w[c], {best[c].item<float>(), 0}, range),
                squared_error(w[c], {plain[c].item<float>(), 0}, range) * (1 + 1e-9));
  }
}

}  // namespace
}  // namespace pare
