// Selection of units under a budget, on groups made by hand: one unit costs one.

#include "pruning/structured/budget.h"

#include <gtest/gtest.h>

namespace pare {
namespace {

struct Case {
  explicit Case(std::vector<int> sizes) {
    for (size_t g = 0; g < sizes.size(); ++g) {
      groups.groups.push_back({.name = "g" + std::to_string(g)});
      for (int i = 0; i < sizes[g]; ++i) {
        groups.groups[g].units.push_back(static_cast<int32_t>(groups.units.size()));
        groups.units.push_back({.group = static_cast<int32_t>(g)});
        scores.push_back(static_cast<double>(scores.size()));
      }
    }
    limits.allowed.assign(sizes.size(), true);
  }
  std::vector<int32_t> select(double share) {
    return select_for_budget(groups, scores, limits, share, "channels", [&](const std::vector<int32_t>& removed) {
      return static_cast<double>(scores.size() - removed.size());
    });
  }
  int64_t kept(const std::vector<int32_t>& removed, size_t group) const {
    int64_t n = static_cast<int64_t>(groups.groups[group].units.size());
    for (int32_t u : removed) n -= groups.units[static_cast<size_t>(u)].group == static_cast<int32_t>(group);
    return n;
  }
  DimGroups groups;
  std::vector<double> scores;
  SelectionLimits limits;
};

TEST(Budget, RemovesTheLeastImportantAndHitsTheTarget) {
  Case c({10, 10});
  EXPECT_EQ(c.select(0.75), (std::vector<int32_t>{0, 1, 2, 3, 4}));
}

TEST(Budget, AGroupKeepsItsMinimum) {
  Case c({10, 10});
  c.limits.min_channels = 6;
  const auto removed = c.select(0.7);
  EXPECT_EQ(c.kept(removed, 0), 6);
  EXPECT_EQ(c.kept(removed, 1), 8);
}

TEST(Budget, MaxSparsityBoundsEveryGroup) {
  Case c({10, 10});
  c.limits.max_sparsity = 0.5;
  EXPECT_EQ(c.kept(c.select(0.6), 0), 5);
}

TEST(Budget, WidthsAreRoundedUp) {
  Case c({16, 32});
  c.limits.round_to = 8;
  const auto removed = c.select(0.5);
  EXPECT_EQ(c.kept(removed, 0) % 8, 0);
  EXPECT_EQ(c.kept(removed, 1) % 8, 0);
  EXPECT_LE(48 - removed.size(), 24u);
  EXPECT_GE(48 - removed.size(), 24u - 8u) << "within one rounding step";
}

TEST(Budget, IgnoredGroupsStayWhole) {
  Case c({10, 10});
  c.limits.allowed[0] = false;
  EXPECT_EQ(c.kept(c.select(0.75), 0), 10);
}

TEST(Budget, ImpossibleTargetSaysWhatPreventsIt) {
  Case c({10, 10});
  c.limits.min_channels = 8;
  try {
    c.select(0.5);
    FAIL() << "expected a ConfigError";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("min_channels 8"), std::string::npos) << error.what();
  }
}

TEST(Budget, NothingRemovableIsAConfigError) {
  Case c({4});
  c.limits.allowed[0] = false;
  EXPECT_THROW(c.select(0.9), ConfigError);
}

TEST(Budget, ExactlyOneTarget) {
  StructuredBudget budget;
  EXPECT_THROW(budget.only(), ConfigError);
  budget.macs = 0.5;
  EXPECT_EQ(budget.only().first, "macs");
  budget.params = 0.5;
  EXPECT_THROW(budget.only(), ConfigError);
}

}  // namespace
}  // namespace pare
