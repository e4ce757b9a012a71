// HSPG and DHSPG on a small residual network: targets, floors, lossless removal, resume.

#include "pruning/group_sparsity/half_space.h"

#include <gtest/gtest.h>

#include "core/graph/surgery.h"
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

DhspgConfig dhspg_config(const std::string& what = "macs") {
  DhspgConfig config;
  if (what == "macs") config.target.macs = 0.5;
  if (what == "params") config.target.params = 0.5;
  config.start_epoch = 1;
  config.end_epoch = 5;
  config.lambda = 0.02;  // too weak for the span: what is missing is taken at its end
  config.eps = 0.5;
  return config;
}

TEST(Dhspg, HitsTheTargetAndRemovalIsLossless) {
  for (const char* what : {"macs", "params"}) {
    Model model = make_model(small_net());
    Dhspg method(dhspg_config(what));
    train(model, {&method});
    ASSERT_TRUE(method.done());
    EXPECT_LT(method.report()->max_difference, kSurgeryTolerance);
    EXPECT_LE(remaining(*method.report(), what), 0.5);
    EXPECT_GE(remaining(*method.report(), what), 0.5 - kOneUnit);
  }
}

TEST(Dhspg, ProjectsBeforeTheEndOfTheSpan) {
  Model model = make_model(small_net());
  DhspgConfig config = dhspg_config();
  config.lambda = 4.0;
  Dhspg method(config);
  std::vector<std::string> status;
  train(model, {&method}, small_training(), 11,
        {.step = [&](const TrainProgress& p, const Trainer&) { status.push_back(p.status); }});
  EXPECT_NE(status[9].find("0 of 16 units zero"), std::string::npos) << status[9];
  EXPECT_EQ(status[48].find("0 of 16 units zero"), std::string::npos) << status[48];
}

TEST(Dhspg, ResumeIsExact) {
  Model undisturbed = make_model(small_net());
  Dhspg method(dhspg_config());
  train(undisturbed, {&method});
  for (const int64_t stop : {5, 33, 55})
    EXPECT_TRUE(same_weights(undisturbed, interrupted<Dhspg>(dhspg_config(), stop))) << stop;
}

HspgConfig hspg_config(double lambda) {
  HspgConfig config;
  config.start_epoch = 1;
  config.end_epoch = 5;
  config.lambda = lambda;
  config.eps = 0.5;
  return config;
}

TEST(Hspg, MoreLambdaMoreZerosWithinTheFloors) {
  std::vector<int64_t> removed;
  for (const double lambda : {1e-6, 4.0, 10.0}) {
    Model model = make_model(small_net());
    HspgConfig config = hspg_config(lambda);
    config.min_channels = 2;
    config.max_sparsity = 1.0;
    Hspg method(config);
    train(model, {&method});
    ASSERT_TRUE(method.done());
    EXPECT_LT(method.report()->max_difference, kSurgeryTolerance);
    removed.push_back(method.report()->units_removed);
    for (const auto& group : method.report()->groups) EXPECT_GE(group.after, 2) << group.name;
  }
  EXPECT_EQ(removed[0], 0);
  EXPECT_GT(removed[1], 0);
  EXPECT_EQ(removed[2], 12);  // both groups at their floor
}

TEST(Hspg, ResumeIsExact) {
  Model undisturbed = make_model(small_net());
  Hspg method(hspg_config(4.0));
  train(undisturbed, {&method});
  for (const int64_t stop : {5, 33})
    EXPECT_TRUE(same_weights(undisturbed, interrupted<Hspg>(hspg_config(4.0), stop))) << stop;
}

}  // namespace
}  // namespace pare
