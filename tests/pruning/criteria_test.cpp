// Importance criteria against closed forms.

#include "pruning/criteria/criterion.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "pruning/criteria/power_sums.h"
#include "pruning/structured/structured.h"
#include "tests/pruning/small_task.h"

namespace pare {
namespace {

using testing::make_model;
using testing::small_net;
using testing::two_layers;

constexpr double kFp32Sums = 1e-5;  // fp32 products, summed in fp64

struct Analysed {
  explicit Analysed(const GraphWithConstants& parts) : model(make_model(parts)), removal(model, RemovalLimits{}) {}
  std::vector<double> score(const CriterionConfig& criterion, const GradientPasses& passes = {}) {
    return score_units(criterion, removal.groups(), removal.limits().allowed, model, passes);
  }
  void set_gradients(double scale) {
    for (at::Tensor& p : model.parameters()) p.mutable_grad() = p.detach().sin() * scale;
  }
  Model model;
  Removal removal;
};

// Hidden unit i of two_layers: row i of fc1 and its bias produce it.
double producer_sum(Model& model, int64_t unit, bool squared) {
  double sum = 0.0;
  for (const char* name : {"fc1.weight", "fc1.bias"}) {
    const at::Tensor product = (model.param(name).raw.detach() * model.param(name).raw.grad())[unit];
    sum += (squared ? product.square() : product).sum().item<double>();
  }
  return sum;
}

TEST(Criteria, TaylorAndHessianEqualTheirFormulas) {
  Analysed net(two_layers(6, 12, 4));
  net.set_gradients(0.3);
  const auto first = net.score(TaylorCriterion{}), second = net.score(TaylorCriterion{.order = 2}),
             obd = net.score(HessianCriterion{});
  ASSERT_EQ(first.size(), 12u);
  for (int64_t u = 0; u < 12; ++u) {
    const double d = producer_sum(net.model, u, false);
    EXPECT_NEAR(first[static_cast<size_t>(u)], std::abs(d), kFp32Sums);
    EXPECT_NEAR(second[static_cast<size_t>(u)], std::abs(0.5 * d * d - d), kFp32Sums);
    EXPECT_NEAR(obd[static_cast<size_t>(u)], 0.5 * producer_sum(net.model, u, true), kFp32Sums);
  }
}

TEST(PowerSums, EqualSumsInDoublePrecision) {
  constexpr double kShortFp32Sums = 3e-6;  // relative: at most 2 * 32 additions in fp32 before fp64 takes over
  const auto random = [](const Shape& shape, const char* name) {
    return borrow(testing::random_tensor(shape, Rng(7).fork(name))).clone();
  };
  std::vector<PowerSums> jobs = {{random({70, 5, 3, 3}, "conv"), {0, 1}, {}},
                                 {random({3, 5000}, "wide"), {1}, {}},
                                 {random({129}, "bias"), {0}, {}},
                                 {random({33, 40}, "turned").t(), {0, 1}, {}},
                                 {random({6, 4}, "double").to(at::kDouble), {1}, {}},
                                 {random({0, 4}, "empty"), {0, 1}, {}}};
  for (const int64_t p : {1, 2}) {
    power_sums(jobs, p);
    for (const PowerSums& job : jobs) {
      ASSERT_EQ(job.sums.size(), job.dims.size());
      const at::Tensor x = job.values.to(at::kDouble), powers = p == 1 ? x.abs() : x.square();
      for (size_t i = 0; i < job.dims.size(); ++i) {
        const at::Tensor rows = powers.movedim(job.dims[i], 0);
        ASSERT_EQ(job.sums[i].size(), static_cast<size_t>(rows.size(0)));
        for (int64_t r = 0; r < rows.size(0); ++r) {
          const double wanted = rows[r].sum().item<double>();
          EXPECT_NEAR(job.sums[i][static_cast<size_t>(r)], wanted, kShortFp32Sums * wanted) << p << " " << r;
        }
      }
    }
  }
}

TEST(Criteria, PassesAreAveraged) {
  Analysed net(two_layers(6, 12, 4));
  const GradientPasses passes{2, [&](int64_t pass) { net.set_gradients(pass == 0 ? 1.0 : -3.0); }};
  const auto first = net.score(TaylorCriterion{}, passes), obd = net.score(HessianCriterion{}, passes);
  net.set_gradients(1.0);
  const auto once = net.score(TaylorCriterion{}), obd_once = net.score(HessianCriterion{});
  for (size_t u = 0; u < 12; ++u) {
    EXPECT_NEAR(first[u], once[u], kFp32Sums * std::abs(once[u]) + kFp32Sums);  // |(1 - 3) / 2|
    EXPECT_NEAR(obd[u], 5.0 * obd_once[u], kFp32Sums * (1.0 + obd[u]));         // (1 + 9) / 2
  }
}

TEST(Criteria, BnScaleReadsGammaAndNamesAGroupWithoutNorm) {
  Analysed net(small_net());
  net.model.param("bn2.weight").raw.detach()[3] = -0.01;
  const auto scores = net.score(BnScaleCriterion{});
  const DimGroups& groups = net.removal.groups();
  const auto inner = std::find_if(groups.groups.begin(), groups.groups.end(),
                                  [](const DimGroup& g) { return g.name == "conv2.weight"; });
  ASSERT_NE(inner, groups.groups.end());
  for (int64_t u = 0; u < 8; ++u)
    EXPECT_NEAR(scores[static_cast<size_t>(inner->units[static_cast<size_t>(u)])],
                std::abs(net.model.param("bn2.weight").raw[u].item<double>()), kFp32Sums);
  Analysed plain(two_layers(6, 12, 4));
  try {
    plain.score(BnScaleCriterion{});
    FAIL() << "expected an error";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("fc1.weight"), std::string::npos) << error.what();
  }
}

TEST(Criteria, FpgmFindsTheUnitInTheMiddle) {
  Analysed net(two_layers(6, 3, 4));
  at::Tensor rows = net.model.param("fc1.weight").raw.detach();
  for (int64_t u = 0; u < 3; ++u) rows[u].fill_(static_cast<double>(u));  // equally spaced: distance sqrt(6) a step
  const auto scores = net.score(FpgmCriterion{});
  EXPECT_NEAR(scores[0], 3.0 * std::sqrt(6.0), kFp32Sums);
  EXPECT_NEAR(scores[1], 2.0 * std::sqrt(6.0), kFp32Sums);
  EXPECT_NEAR(scores[2], 3.0 * std::sqrt(6.0), kFp32Sums);
}

TEST(Normalization, LampAndLayerScope) {
  Analysed net(two_layers(6, 3, 4));
  std::vector<double> scores = {2.0, 1.0, 3.0};
  normalize_scores(scores, net.removal.groups(), ScoreNormalization::kLamp, SparsityScope::kGlobal);
  EXPECT_NEAR(scores[0], 4.0 / 13.0, 1e-12);
  EXPECT_NEAR(scores[1], 1.0 / 14.0, 1e-12);
  EXPECT_NEAR(scores[2], 1.0, 1e-12);

  Model model = make_model(small_net());
  StructuredConfig config;
  config.target.channels = 0.5;
  config.scope = SparsityScope::kLayer;
  const StructuredReport report = prune_structured(model, config, {at::full({2, 2, 6, 6}, 0.5)});
  ASSERT_EQ(report.groups.size(), 2u);
  for (const auto& group : report.groups) EXPECT_EQ(group.after, 4) << group.name;
}

TEST(Criteria, EachPrunesToTheTarget) {
  for (const CriterionConfig& criterion :
       {CriterionConfig(NormCriterion{.p = 1}), CriterionConfig(TaylorCriterion{.order = 2}),
        CriterionConfig(HessianCriterion{}), CriterionConfig(BnScaleCriterion{}), CriterionConfig(FpgmCriterion{}),
        CriterionConfig(RandomCriterion{})}) {
    for (const ScoreNormalization normalization : {ScoreNormalization::kNone, ScoreNormalization::kLamp}) {
      Model model = make_model(small_net());
      for (at::Tensor& p : model.parameters()) p.mutable_grad() = p.detach().sin();
      StructuredConfig config;
      config.target.params = 0.5;
      config.criterion = criterion;
      config.normalization = normalization;
      const StructuredReport report = prune_structured(model, config, {at::full({2, 2, 6, 6}, 0.5)});
      EXPECT_LE(static_cast<double>(report.params_after), 0.5 * static_cast<double>(report.params_before))
          << criterion.index();
      EXPECT_GT(static_cast<double>(report.params_after), 0.35 * static_cast<double>(report.params_before))
          << criterion.index();
    }
  }
}

}  // namespace
}  // namespace pare
