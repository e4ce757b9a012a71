// What a latency table says about whole models, against the models themselves on the same machine.
#include <gtest/gtest.h>

#include <chrono>

#include "apps/bench/interleave.h"
#include "apps/bench/kernel_cases.h"
#include "apps/bench/latency_grids.h"
#include "core/graph/passes/fold_batch_norm.h"
#include "core/zoo/zoo.h"

namespace pare::bench {
namespace {

// A table knows layers alone, with their operands in the caches, and the machine is shared with other programs.
constexpr double kFactor = 2.0;
constexpr int kRuns = 31;

FrozenModel folded_model(const std::string& name) {
  GraphWithConstants parts = zoo(name);
  fold_batch_norm(parts);
  FrozenModel out;
  for (const ValueId id : parts.graph.values()) {
    const Value& value = parts.graph.value(id);
    if (value.is_constant()) out.constants[value.name] = encode_raw(parts.constants.get(value.name));
  }
  out.graph = std::move(parts.graph);
  return out;
}

double measured_us(const FrozenModel& model, const Shape& input) {
  Executor executor(model, {.threads = 1});
  const Tensor x = random_floats(input, 1);
  executor.run({x});
  std::vector<double> us;
  for (int i = 0; i < kRuns; ++i) {
    const auto start = std::chrono::steady_clock::now();
    executor.run({x});
    us.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  return quantile(us, 0.5);
}

TEST(LatencyTable, EstimatesResNet20) {
  const FrozenModel model = folded_model("resnet20");
  const double before = measured_us(model, {1, 3, 32, 32});
  LatencySizes sizes;
  sizes.inputs = {3, 16, 64};
  sizes.outputs = {16, 64};
  sizes.edges = {8, 16, 32};
  sizes.depths = sizes.columns = {16, 64};
  const LatencyTable table = measure_latency_table(default_isa(), 1, sizes);
  const double measured = (before + measured_us(model, {1, 3, 32, 32})) / 2;
  const LatencyEstimate estimate = estimate_latency(model.graph, table);
  std::printf("resnet20: estimated %.0f us, measured %.0f us\n", estimate.us, measured);
  EXPECT_LT(estimate.us, measured * kFactor);
  EXPECT_GT(estimate.us, measured / kFactor);
  EXPECT_GT(table.fma_gmacs, 0.0);
  EXPECT_GT(table.read_gbs, 0.0);
}

}  // namespace
}  // namespace pare::bench
