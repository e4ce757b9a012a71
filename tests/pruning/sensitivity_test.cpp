// Curves of single groups against models that are masked and run as a whole.

#include "pruning/structured/sensitivity.h"

#include <gtest/gtest.h>

#include "core/graph/surgery.h"
#include "core/train/evaluate.h"
#include "tests/pruning/small_task.h"

namespace pare {
namespace {

using testing::make_model;
using testing::small_images;
using testing::small_net;

Model trained_small_net() {
  Model model = make_model(small_net());
  testing::train(model, {}, testing::small_training(3));
  return model;
}

SensitivityConfig three_shares() {
  SensitivityConfig config;
  config.shares = {0.25, 0.5, 1.0};
  config.batch_size = 64;
  return config;
}

// The model with the `count` units of least norm of one group at zero, run from its input.
EvalResult masked_result(const Model& model, const std::string& group, int64_t count, const DatasetPtr& data) {
  Model copy = model.clone();
  const DimGroups groups = analyse(copy.graph(), copy.constants(), copy.ops());
  const std::vector<double> scores =
      score_units(NormCriterion{}, groups, std::vector<bool>(groups.groups.size(), true), copy);
  for (const DimGroup& candidate : groups.groups) {
    if (candidate.name != group) continue;
    std::vector<int32_t> units = candidate.units;
    std::sort(units.begin(), units.end(), [&](int32_t a, int32_t b) {
      return scores[static_cast<size_t>(a)] < scores[static_cast<size_t>(b)];
    });
    units.resize(static_cast<size_t>(count));
    copy.load_constants(zero_units(copy.constants(), groups, {units}));
  }
  return evaluate(copy, data, 64);
}

TEST(SensitivityCurves, EqualThoseOfMaskedModels) {
  Model model = trained_small_net();
  const DatasetPtr data = small_images(200, 8);
  const ConstantStore before = model.clone().constants();
  const Sensitivity all = measure_sensitivity(model, three_shares(), data, 1);
  ASSERT_EQ(all.curves.size(), 2u);
  EXPECT_EQ(all.images, 200);
  EXPECT_EQ(all.top1, evaluate(model, data, 64).top1_rate());
  double worst = all.top1;
  for (const SensitivityCurve& curve : all.curves) {
    EXPECT_EQ(curve.units, 8);
    ASSERT_EQ(curve.points.size(), 3u);
    EXPECT_EQ(curve.points[2].units_removed, 7) << "one unit stays";
    for (const SensitivityPoint& point : curve.points) {
      const EvalResult expected = masked_result(model, curve.group, point.units_removed, data);
      EXPECT_EQ(point.top1, expected.top1_rate());
      EXPECT_NEAR(point.loss, expected.mean_loss(), 1e-5);
      EXPECT_LT(point.macs, 1.0);
      worst = std::min(worst, point.top1);
    }
    EXPECT_GT(curve.points[0].macs, curve.points[1].macs);
  }
  EXPECT_LT(worst, all.top1 - 0.05) << "seven of eight channels matter";
  const ConstantStore after = model.constants();
  for (const auto& [name, tensor] : after.map())
    EXPECT_EQ(tensor.to_doubles(), before.get(name).to_doubles()) << name;
}

TEST(SensitivityCurves, OfAStoppedRunAreNotMeasuredAgain) {
  Model model = trained_small_net();
  const DatasetPtr data = small_images(100, 8);
  const Sensitivity whole = measure_sensitivity(model, three_shares(), data, 1);
  std::vector<SensitivityCurve> known = {whole.curves[0]};
  known[0].points[0].top1 = 0.125;  // an altered figure tells that it was taken over
  const Sensitivity again = sensitivity_from(to_json(measure_sensitivity(model, three_shares(), data, 1, {}, known)));
  EXPECT_EQ(again.curves[0].points[0].top1, 0.125);
  EXPECT_EQ(again.curves[1].points[2].loss, whole.curves[1].points[2].loss);
  EXPECT_THROW(sensitivity_from(Json::object()), ModelError);
}

TEST(SensitivityCurves, RefuseWhatCannotBeMeasured) {
  Model model = make_model(small_net());
  SensitivityConfig config = three_shares();
  config.ignore = Selector({"Conv"});
  EXPECT_THROW(measure_sensitivity(model, config, small_images(8), 1), ConfigError);
  config = three_shares();
  config.shares = {0.5, 0.25};
  EXPECT_THROW(measure_sensitivity(model, config, small_images(8), 1), ConfigError);
  const DatasetPtr unlabelled = tensor_dataset(testing::random_tensor({8, 2, 6, 6}, Rng(3)), Tensor());
  EXPECT_THROW(measure_sensitivity(model, three_shares(), unlabelled, 1), ConfigError);
}

TEST(SensitivityCurves, PageHoldsEveryGroupAndEscapesNames) {
  Sensitivity all{10, 0.9, 0.3, {{"a<b", 4, {"w"}, {{0.5, 2, 0.8, 0.7, 0.895, 0.4}, {1.0, 4, 0.6, 0.5, 0.2, 2.0}}}}};
  EXPECT_EQ(share_within(all, all.curves[0], 0.01), 0.5);
  const std::string page = sensitivity_html("title & more", all);
  EXPECT_NE(page.find("a&lt;b"), std::string::npos);
  EXPECT_NE(page.find("title &amp; more"), std::string::npos);
  EXPECT_NE(page.find("<polyline points=\""), std::string::npos);
  EXPECT_EQ(page.find("a<b"), std::string::npos);
}

}  // namespace
}  // namespace pare
