#include "tests/conformance/structured/random_graph.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/conformance/structured/oracle.h"

namespace pare::test {
namespace {

constexpr int kGraphs = 240;    // 10 to 60 nodes each
constexpr int kCounted = 1000;  // graphs from which on every structure has to be frequent
constexpr int kLeastOfEach = 50;

// PARE_RANDOM_GRAPHS asks for more of them (`make evidence`).
int graphs_to_check() {
  const char* text = std::getenv("PARE_RANDOM_GRAPHS");
  return text ? std::atoi(text) : kGraphs;
}

// One of each is checked under both policies of heads and of groups.
OracleOptions options_for(int graph) {
  OracleOptions options;
  options.singles = 6;
  options.sets = 1;
  options.seed = static_cast<uint64_t>(graph) + 1;
  options.policy.heads = graph % 2 ? TiePolicy::Heads::kWidth : TiePolicy::Heads::kHeads;
  options.policy.groups = graph / 2 % 2 ? TiePolicy::Groups::kPositions : TiePolicy::Groups::kGroups;
  return options;
}

TEST(RandomGraphs, RemovedEqualsZeroedUnderEveryPolicy) {
  const OpTable ops = builtin_ops();
  const int graphs = graphs_to_check();
  ASSERT_GT(graphs, 0);
  int with_units = 0, exact = 0, inexact = 0, removed = 0;
  StructureCounts structures;
  for (int i = 0; i < graphs; ++i) {
    const OracleOptions options = options_for(i);
    SCOPED_TRACE(fmt("graph {}", options.seed));
    const GraphWithConstants model = random_graph(ops, options.seed, 6 + i % 18, &structures);
    const OracleResult result = check_ties(model, ops, options);
    EXPECT_EQ(result.problem, "");
    with_units += result.removed > 0;
    exact += static_cast<int>(result.exact);
    inexact += static_cast<int>(result.units - result.exact);
    removed += static_cast<int>(result.removed);
  }
  std::printf("%d graphs, %d with removals, %d exact and %d inexact units, %d removed\n", graphs, with_units, exact, inexact,
              removed);
  for (const auto& [name, count] : structures) {
    std::printf("%7d %s\n", count, name.c_str());
    RecordProperty(name, count);
    if (graphs >= kCounted) {
      EXPECT_GE(count, kLeastOfEach) << name;
    }
  }
  RecordProperty("graphs", graphs);
  RecordProperty("graphs_with_removals", with_units);
  RecordProperty("units_exact", exact);
  RecordProperty("units_inexact", inexact);
  RecordProperty("units_removed", removed);
  EXPECT_GE(with_units, graphs * 95 / 100);
}

}  // namespace
}  // namespace pare::test
