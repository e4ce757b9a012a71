#include <gtest/gtest.h>

#include "tests/conformance/structured/oracle.h"
#include "tests/conformance/structured/structures.h"

namespace pare::test {
namespace {

TEST(Structures, HaveTheExpectedUnitsAndRemovedEqualsZeroed) {
  const OpTable ops = builtin_ops();
  for (const auto& structure : all_structures()) {
    SCOPED_TRACE(structure.name);
    Net net(ops, 7);
    const GraphWithConstants model = structure.build(net);
    OracleOptions options;
    options.policy = structure.policy;
    const OracleResult result = check_ties(model, ops, options);
    EXPECT_EQ(result.problem, "");
    EXPECT_EQ(result.units, structure.units);
    EXPECT_EQ(result.exact, structure.exact);
    EXPECT_GT(result.removed, 0u);
  }
}

}  // namespace
}  // namespace pare::test
