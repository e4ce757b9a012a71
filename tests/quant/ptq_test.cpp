// Post-training quantization of zoo models on random data.

#include "quant/ptq.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_unique.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/model/freeze.h"
#include "core/train/optimizer.h"
#include "export/onnx_export.h"
#include "quant/bias_correction.h"
#include "tests/zoo_model.h"

namespace pare {
namespace {

// 8-bit weights and activations of a random ResNet-20 keep about 30 dB; far below means a wrong scale somewhere.
constexpr double kLeastSnr8 = 20.0;

std::vector<at::Tensor> images(int64_t channels, int64_t size) {
  at::manual_seed(1);
  return {at::randn({8, channels, size, size}), at::randn({8, channels, size, size})};
}

double snr_db(const at::Tensor& wanted, const at::Tensor& got) {
  const double noise = (wanted - got).square().sum().item<double>();
  return 10.0 * std::log10(wanted.square().sum().item<double>() / noise);
}

at::Tensor output(Model& model, const at::Tensor& input) {
  at::NoGradGuard no_grad;
  model.train(false);
  return model.forward({input})[0];
}

TEST(Ptq, EightBitsStayCloseToTheFloatModelWhichIsUnchanged) {
  Model model = zoo_model("resnet20");
  const auto batches = images(3, 32);
  const at::Tensor before = output(model, batches[0]);
  PtqResult result = quantize_post_training(model, {}, batches);
  EXPECT_GT(snr_db(before, output(result.model, batches[0])), kLeastSnr8);
  EXPECT_TRUE(before.equal(output(model, batches[0])));
  EXPECT_EQ(result.layers.size(), 20u);
  for (const auto& layer : result.layers) EXPECT_GT(layer.snr_db, kLeastSnr8) << layer.node;
}

TEST(Ptq, FewerBitsLoseMore) {
  Model model = zoo_model("lenet5");
  const auto batches = images(1, 28);
  const at::Tensor wanted = output(model, batches[0]);
  double last = 1e9;
  for (int64_t bits : {8, 5, 3}) {
    PtqConfig config;
    config.weights.num_bits = bits;
    PtqResult result = quantize_post_training(model, config, batches);
    const double snr = snr_db(wanted, output(result.model, batches[0]));
    EXPECT_LT(snr, last) << bits;
    last = snr;
  }
}

TEST(Ptq, AReducedRangeNeedsNoExactSumsElsewhere) {
  const Model model = zoo_model("lenet5");
  for (const bool reduced : {false, true}) {
    PtqConfig config;
    config.weights.reduce_range = reduced;
    const FrozenModel frozen = freeze(quantize_post_training(model, config, images(1, 28)).model, {});
    int32_t largest = 0;
    for (const auto& [name, constant] : frozen.constants) {
      const Encoding& encoding = constant.encoding;
      if (encoding.codec != Codec::kAffine || encoding.bits > 8) continue;
      const Tensor integers = decode_integers(constant);
      for (const int32_t q : integers.span<int32_t>()) largest = std::max(largest, std::abs(q));
    }
    EXPECT_EQ(largest, reduced ? 63 : 127);
    const auto caveats = to_onnx(frozen).caveats;
    const bool warned = std::any_of(caveats.begin(), caveats.end(),
                                    [](const auto& text) { return text.find("VNNI") != std::string::npos; });
    EXPECT_EQ(warned, !reduced);
  }
}

TEST(Ptq, WeightsAreIntegersTimesTheirScale) {
  Model model = zoo_model("lenet5");
  PtqResult result = quantize_post_training(model, {}, images(1, 28));
  int checked = 0;
  for (const Param& param : result.model.params()) {
    for (const auto& link : param.chain) {
      const auto* affine = dynamic_cast<const AffineQuant*>(link.get());
      if (!affine || affine->encoding().bits != 8) continue;
      const at::Tensor w = result.model.effective(param.name).detach();
      const at::Tensor q = w.flatten(1) / affine->scale().reshape({-1, 1});
      EXPECT_LT((q - q.round()).abs().max().item<double>(), 1e-3) << param.name;
      EXPECT_LE(q.abs().max().item<double>(), 127.001) << param.name;
      ++checked;
    }
  }
  EXPECT_EQ(checked, 5);
}

TEST(Ptq, BiasCorrectionKeepsTheMeanOfEveryChannel) {
  Model model = zoo_model("lenet5");
  const auto batches = images(1, 28);
  double worst[2] = {0, 0};
  for (const bool correct : {false, true}) {
    PtqConfig config;
    config.weights.num_bits = 3;
    config.bias_correction = correct;
    PtqResult result = quantize_post_training(model, config, batches);
    const NodeId last = model.graph().order().back();
    const at::Tensor a = output_means(model, {last}, batches)[0], b = output_means(result.model, {last}, batches)[0];
    worst[correct] = (a - b).abs().max().item<double>();
  }
  EXPECT_LT(worst[1], 0.2 * worst[0]);
}

TEST(Ptq, IgnoredLayersStayFloat) {
  Model model = zoo_model("lenet5");
  PtqConfig config;
  config.ignore = Selector({"Conv"});
  EXPECT_EQ(quantize_post_training(model, config, images(1, 28)).layers.size(), 3u);
}

TEST(Ptq, OverridesChangeTheBitsOfTheirLayersOnly) {
  Model model = zoo_model("lenet5");
  PtqConfig config;
  config.weights.num_bits = 5;
  config.overrides.items.push_back(
      {Selector({"conv1"}), ConfigNode::map({{"num_bits", ConfigNode::text("8")}}), "overrides[0]"});
  PtqResult result = quantize_post_training(model, config, images(1, 28));
  std::map<int, int> layers_of;
  for (const Param& param : result.model.params())
    for (const auto& link : param.chain)
      if (const auto* affine = dynamic_cast<const AffineQuant*>(link.get())) ++layers_of[affine->encoding().bits];
  EXPECT_EQ(layers_of, (std::map<int, int>{{5, 4}, {8, 1}, {32, 5}}));
  config.overrides.items[0].targets = Selector({"nothing.*"});
  EXPECT_THROW(quantize_post_training(model, config, images(1, 28)), ConfigError);
}

TEST(Ptq, TrainingBehindItWinsBackWhatFewBitsLose) {
  Model model = zoo_model("lenet5");
  const auto batches = images(1, 28);
  const at::Tensor wanted = output(model, batches[0]);
  PtqConfig config;
  config.weights.num_bits = 3;
  Model trained = quantize_post_training(model, config, batches).model;
  const auto error = [&] { return (output(trained, batches[0]) - wanted).square().mean().item<double>(); };
  const double before = error();
  const auto optimizer = Optimizer::create(AdamWConfig{{.lr = 1e-3}}, trained);
  for (int step = 0; step < 60; ++step) {
    optimizer->zero_grad();
    trained.train(true);
    (trained.forward({batches[0]})[0] - wanted).square().mean().backward();
    optimizer->step();
  }
  EXPECT_LT(error(), 0.5 * before);
  for (const Param& param : trained.params())
    for (const auto& link : param.chain) {
      const auto* affine = dynamic_cast<const AffineQuant*>(link.get());
      if (affine != nullptr && affine->encoding().bits == 3) {
        EXPECT_LE(std::get<0>(at::_unique(trained.effective(param.name)[0])).numel(), 7) << param.name;
      }
    }
}

TEST(Ptq, NoDataIsAConfigError) {
  const Model model = zoo_model("lenet5");
  EXPECT_THROW(quantize_post_training(model, {}, {}), ConfigError);
}

}  // namespace
}  // namespace pare
