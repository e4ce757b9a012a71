#include "tests/conformance/structured/random_graph.h"

#include <gtest/gtest.h>

#include "tests/conformance/structured/oracle.h"

namespace pare::test {
namespace {

constexpr int kGraphs = 240;  // 10 to 60 nodes each

TEST(RandomGraphs, RemovedEqualsZeroedUnderEveryPolicy) {
  const OpTable ops = builtin_ops();
  int with_units = 0, exact = 0, inexact = 0;
  for (int i = 0; i < kGraphs; ++i) {
    const auto seed = static_cast<uint64_t>(i) + 1;
    SCOPED_TRACE(fmt("graph {}", seed));
    const GraphWithConstants model = random_graph(ops, seed, 6 + i % 18);
    OracleOptions options;
    options.singles = 6;
    options.sets = 1;
    options.seed = seed;
    options.policy.heads = i % 2 ? TiePolicy::Heads::kWidth : TiePolicy::Heads::kHeads;
    options.policy.groups = i / 2 % 2 ? TiePolicy::Groups::kPositions : TiePolicy::Groups::kGroups;
    const OracleResult result = check_ties(model, ops, options);
    ASSERT_EQ(result.problem, "");
    with_units += result.exact > 0;
    exact += static_cast<int>(result.exact);
    inexact += static_cast<int>(result.units - result.exact);
  }
  std::printf("%d graphs, %d with removable units, %d exact and %d inexact units\n", kGraphs, with_units, exact, inexact);
  EXPECT_GE(with_units, kGraphs * 95 / 100);
}

}  // namespace
}  // namespace pare::test
