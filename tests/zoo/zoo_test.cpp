#include "core/zoo/zoo.h"

#include <gtest/gtest.h>

#include "core/graph/stats.h"

namespace pare {
namespace {

struct Published {
  const char* name;
  int64_t params;
  int64_t macs;  // at batch 1 and the default image size
};

GraphStats stats_of(const std::string& name, ZooOptions options = {}) {
  options.initialise = false;
  const auto model = zoo(name, options);
  return graph_stats(model.graph, builtin_ops(), {{"N", 1}});
}

class ZooCounts : public testing::TestWithParam<Published> {};

TEST_P(ZooCounts, ParametersAndMacs) {
  const auto stats = stats_of(GetParam().name);
  EXPECT_EQ(stats.params, GetParam().params);
  EXPECT_EQ(stats.macs, GetParam().macs);
}

// resnet20: 0.27 M parameters, 40.8 M multiply-accumulates with those of its batch normalizations.
INSTANTIATE_TEST_SUITE_P(Models, ZooCounts,
                         testing::Values(Published{"lenet5", 61706, 416520}, Published{"mlp", 235146, 234752},
                                         Published{"resnet20", 269722, 40551040},
                                         Published{"resnet18", 11689512, 1814073344},
                                         Published{"resnet34", 21797672, 3663761408},
                                         Published{"resnet50", 25557032, 4089184256},
                                         Published{"vgg16_bn", 138365992, 15470264320},
                                         Published{"mobilenet_v1", 4231976, 568740352},
                                         Published{"mobilenet_v2", 3504872, 300774272}));

TEST(Zoo, UnknownNameNamesTheNearest) {
  try {
    zoo("resnet21");
    FAIL() << "expected ConfigError";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("resnet20"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace pare
