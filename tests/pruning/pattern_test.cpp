// Kernel patterns: sets, projections against brute force, budgets, masks that hold until the stored file.

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "core/model/freeze.h"
#include "pruning/pattern/pattern.h"
#include "tests/pruning/small_task.h"
#include "tests/zoo_model.h"

namespace pare {
namespace {

using testing::make_model;
using testing::small_net;

at::Tensor random_kernels(int64_t out, int64_t in, uint64_t seed = 3) {
  return borrow(testing::random_tensor({out, in, 3, 3}, Rng(seed))).clone();
}

double energy_of(const at::Tensor& x) { return x.to(at::kDouble).square().sum().item<double>(); }

TEST(Patterns, CandidatesKeepTheCentreAndThreeOthers) {
  ASSERT_EQ(candidate_patterns().size(), 56u);
  for (int64_t pattern : candidate_patterns()) {
    EXPECT_TRUE(pattern >> 4 & 1);
    EXPECT_EQ(std::popcount(static_cast<uint64_t>(pattern)), 4);
  }
  const auto& all = candidate_patterns();
  for (int64_t pattern : pconv_patterns()) EXPECT_EQ(std::count(all.begin(), all.end(), pattern), 1) << pattern;
}

TEST(Patterns, TheMostFrequentNaturalOnesAreTheSet) {
  at::Tensor w = random_kernels(4, 2) * 0.01;
  for (int64_t f = 0; f < 4; ++f)
    for (int64_t c = 0; c < 2; ++c)
      for (int64_t i = 0; i < 9; ++i)
        if ((f == 0 ? 58 : 432) >> i & 1) w[f][c][i / 3][i % 3] = 1.0f;
  EXPECT_EQ(frequent_patterns({w}, {}, 2), (std::vector<int64_t>{432, 58}));
  EXPECT_EQ(surviving_patterns({w}, {}, 2), (std::vector<int64_t>{58, 432}));
  const auto counts = natural_counts({w}, {.filters = 1, .channels = 2});
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 3), 1);
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 1), 1);
  EXPECT_THROW(frequent_patterns({w}, {}, 57), ConfigError);
}

TEST(Patterns, GroupsSpreadWhatTheyReduceAndAreClippedAtTheEdges) {
  const at::Tensor w = random_kernels(5, 6);
  const PatternGroup group{.filters = 2, .channels = 4};
  const at::Tensor energy = group_energy(w, group);
  EXPECT_EQ(energy.sizes().vec(), (std::vector<int64_t>{3, 2, 9}));
  EXPECT_NEAR(energy.sum().item<double>(), energy_of(w), 1e-9 * energy_of(w));
  EXPECT_EQ(spread_groups(energy, group, w.sizes()).sizes(), w.sizes());
  EXPECT_EQ(spread_groups(energy, group, w.sizes())[4][5][1][1].item<double>(), energy[2][1][4].item<double>());
}

PatternProjection projection_of(const PatternTarget& target, const std::vector<at::Tensor>& weights) {
  std::vector<PatternLayer> layers;
  for (size_t i = 0; i < weights.size(); ++i) layers.push_back({fmt("w{}", i), weights[i].size(2) == 3});
  return PatternProjection(target, layers, weights);
}

TEST(PatternProjection, KeepsTheMostEnergyThatOnePatternAGroupCan) {
  const at::Tensor w = random_kernels(4, 6);
  PatternTarget target{.patterns = 6, .pattern_group = {.filters = 2, .channels = 3}};
  const PatternProjection projection = projection_of(target, {w});
  const at::Tensor kept = w * projection.pattern_masks({w})[0];
  for (int64_t f = 0; f < 4; f += 2) {
    for (int64_t c = 0; c < 6; c += 3) {
      const auto group = [&](const at::Tensor& x) { return x.narrow(0, f, 2).narrow(1, c, 3); };
      double best = 0.0;
      for (int64_t pattern : projection.patterns())
        best = std::max(best, energy_of(group(w) * pattern_rows({pattern}).reshape({3, 3})));
      EXPECT_NEAR(energy_of(group(kept)), best, 1e-6 * best);
    }
  }
}

TEST(PatternProjection, BothAtOnceKeepMoreThanOneAfterTheOther) {
  const std::vector<at::Tensor> w = {random_kernels(16, 16)};
  PatternTarget target{.connectivity_sparsity = 0.5};
  const PatternProjection projection = projection_of(target, w);
  const at::Tensor after = w[0] * projection.connectivity_masks(w)[0];
  const double one_by_one = energy_of(after * projection.pattern_masks({after})[0]);
  EXPECT_GT(energy_of(w[0] * projection.masks(w)[0]), one_by_one);
}

int64_t kernels_kept(const at::Tensor& mask) { return mask.flatten(2).sum(2).count_nonzero().item<int64_t>(); }

TEST(PatternProjection, MeetsTheBudgetOfEachLayerOrOfAllTogether) {
  const std::vector<at::Tensor> w = {random_kernels(8, 10), random_kernels(8, 10, 4) * 0.01, random_kernels(8, 1, 5)};
  PatternTarget target{.connectivity_sparsity = 0.7};
  const auto each = projection_of(target, w).masks(w);
  EXPECT_EQ(kernels_kept(each[0]), 24);
  EXPECT_EQ(kernels_kept(each[1]), 24);
  EXPECT_EQ(kernels_kept(each[2]), 8);  // depthwise: a kernel is the whole channel
  for (const at::Tensor& mask : each) EXPECT_EQ(mask.sum().item<double>(), 4.0 * static_cast<double>(kernels_kept(mask)));
  target.scope = SparsityScope::kGlobal;
  target.min_density = 0.1;
  const auto all = projection_of(target, w).masks(w);
  EXPECT_EQ(kernels_kept(all[0]) + kernels_kept(all[1]), 48);
  EXPECT_EQ(kernels_kept(all[1]), 8);  // the weak layer's floor
  target.min_density = 0.4;
  EXPECT_THROW(target.check({}, "prune.pattern"), ConfigError);
}

TEST(PatternLayers, AreThe3x3ConvolutionsBehindTheFirst) {
  const Model model = zoo_model("resnet20");
  PatternTarget target;
  EXPECT_EQ(pattern_layers(model, target).size(), 18u);
  target.first_conv = FirstConv::kPatterns;
  const auto with_first = pattern_layers(model, target);
  ASSERT_EQ(with_first.size(), 19u);
  EXPECT_FALSE(with_first.front().connectivity);
  target.targets = Selector({"layer1.0.conv1"});
  EXPECT_EQ(pattern_layers(model, target).size(), 1u);
  target.targets = Selector({"conv1"});
  target.first_conv = FirstConv::kKeep;
  EXPECT_THROW(pattern_layers(model, target), ConfigError);
  EXPECT_THROW(pattern_layers(zoo_model("lenet5"), PatternTarget{}), ConfigError);  // 5x5 kernels
}

TEST(PatternLayers, PointwiseOnesComeWithTheirOwnBudget) {
  Model model = zoo_model("mobilenet_v1");
  PatternTarget target;
  const auto patterns_only = pattern_layers(model, target);
  target.pointwise_sparsity = 0.5;
  target.pattern_group = {.filters = 1, .channels = 4};
  auto layers = pattern_layers(model, target);
  EXPECT_GT(layers.size(), patterns_only.size());
  const auto pointwise = std::find_if(layers.begin(), layers.end(), [](const PatternLayer& l) { return !l.patterns; });
  const PatternProjection projection(target, layers, weights_of(model, layers));
  apply_pattern_masks(model, target, projection);
  const at::Tensor w = model.effective(pointwise->weight);
  EXPECT_EQ(2 * w.count_nonzero().item<int64_t>(), w.numel());
  EXPECT_EQ(encode(model.param(pointwise->weight).chain, lend(w.contiguous())).encoding.layout, Layout::kBlock);
}

PatternReport prune(Model& model, const PatternTarget& target) {
  auto layers = pattern_layers(model, target);
  const auto weights = weights_of(model, layers);
  return apply_pattern_masks(model, target, PatternProjection(target, std::move(layers), weights));
}

TEST(PatternMasks, HoldThroughTrainingIntegersAndTheStoredModel) {
  Model model = make_model(small_net());
  const PatternReport report = prune(model, {.patterns = 4, .connectivity_sparsity = 0.5});
  EXPECT_EQ(report.layers, 2);
  EXPECT_EQ(report.kernels_kept, 64);
  EXPECT_EQ(report.elements_kept, 256);
  int64_t used = 0;
  for (int64_t uses : report.uses) used += uses;
  EXPECT_EQ(used, report.kernels_kept);
  const at::Tensor zeros = model.effective("conv2.weight").eq(0);
  testing::train(model, {}, testing::small_training(1));
  const Encoding eight{.codec = Codec::kAffine, .axis = 0};
  model.add_link("conv2.weight", std::make_shared<AffineQuant>(at::ones({8}) * 0.01, at::zeros({8}, at::kInt), eight));
  const at::Tensor effective = model.effective("conv2.weight");
  EXPECT_TRUE(effective.eq(0).masked_select(zeros).all().item<bool>());
  const EncodedTensor stored = encode(model.param("conv2.weight").chain, lend(effective.contiguous()));
  EXPECT_EQ(stored.encoding.layout, Layout::kPattern);
  EXPECT_EQ(stored.encoding.codec, Codec::kAffine);
  EXPECT_TRUE(same_bytes(decode(stored), lend(effective.contiguous())));

  model.remove_link("conv2.weight", "affine");
  const FrozenModel frozen = freeze(model, {{testing::random_tensor({2, 2, 6, 6}, Rng(4))}});
  const auto patterns = std::count_if(frozen.constants.begin(), frozen.constants.end(), [](const auto& constant) {
    return constant.second.encoding.layout == Layout::kPattern;
  });
  EXPECT_EQ(patterns, 2);
  Model again = thaw(frozen);
  int64_t kept = 0;
  for (const Param& param : again.params())
    if (!param.chain.empty()) kept += again.effective(param.name).count_nonzero().item<int64_t>();
  EXPECT_EQ(kept, report.elements_kept);
}

TEST(PatternMasks, NeverBringBackWhatAnEarlierMaskDropped) {
  Model model = make_model(small_net());
  prune(model, {.patterns = 4});
  const at::Tensor before = model.effective("conv2.weight").eq(0);
  prune(model, {.set = PatternSet::kPconv, .connectivity_sparsity = 0.25});
  EXPECT_TRUE(model.effective("conv2.weight").eq(0).masked_select(before).all().item<bool>());
  EXPECT_EQ(model.param("conv2.weight").chain.size(), 1u);
}

}  // namespace
}  // namespace pare
