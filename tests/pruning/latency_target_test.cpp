// Latency targets against a planted table: the target is hit within a step, bad tables are clear errors.

#include <gtest/gtest.h>

#include <ATen/ops/randn.h>

#include "core/base/config_write.h"
#include "core/base/file.h"
#include "core/zoo/zoo.h"
#include "pruning/group_sparsity/hesso.h"
#include "pruning/structured/latency_table.h"
#include "pruning/structured/structured.h"
#include "tests/pruning/small_task.h"
#include "tests/zoo_model.h"

namespace pare {
namespace {

using testing::make_model;
using testing::small_net;

// 1 us, and a nanosecond a multiply-accumulate (or an element): interpolation gives it back exactly.
LatencyGrid planted(const std::string& op, size_t axes, int64_t kernel) {
  const std::vector<double> ends = {1, 4096};
  LatencyGrid grid{op, "F32", kernel, 1, std::vector(axes, ends), {}};
  for (size_t corner = 0; corner < size_t{1} << axes; ++corner) {
    double product = 1.0;
    for (size_t a = 0; a < axes; ++a) product *= ends[corner >> (axes - 1 - a) & 1];
    grid.us.push_back(1.0 + 1e-3 * product * static_cast<double>(kernel * kernel));
  }
  return grid;
}

LatencyTable planted_table() {
  LatencyTable table{.isa = "avx2", .threads = 2};
  table.grids = {planted("Conv", 3, 3), planted("Gemm", 3, 1), planted("Relu", 1, 1)};
  return table;
}

std::string written(const std::string& text, const std::string& name) {
  const std::string path = ::testing::TempDir() + "pare_" + name + ".json";
  write_file_atomic(path, text);
  return path;
}
std::string written(const LatencyTable& table, const std::string& name) {
  return written(config_to_json(table).dump(), name);
}

StructuredConfig latency_config(double share, const std::string& table) {
  StructuredConfig config;
  config.target.latency = share;
  config.target.latency_table = table;
  return config;
}

double us_of(const Model& model) { return estimate_latency(model.graph(), planted_table()).us; }

// Whether a step more in one of the groups would miss the share.
bool one_step_above(const Removal& removal, const std::vector<int32_t>& units, int64_t step, double share) {
  const DimGroups& groups = removal.groups();
  for (const DimGroup& group : groups.groups) {
    std::vector<int32_t> fewer;
    int64_t back = 0;
    for (int32_t unit : units) {
      const bool here = &groups.groups[static_cast<size_t>(groups.units[static_cast<size_t>(unit)].group)] == &group;
      if (here && back < step)
        ++back;
      else
        fewer.push_back(unit);
    }
    if (back == step && removal.remaining("latency", fewer) > share) return true;
  }
  return false;
}

TEST(LatencyTarget, EndsWithinOneStep) {
  const std::string table = written(planted_table(), "hit");
  for (const double share : {0.75, 0.4})
    for (const int64_t step : {1, 4}) {
      Model model = zoo_model("resnet20");
      StructuredConfig config = latency_config(share, table);
      config.target.latency_isa = "avx2";
      config.round_to = step;
      const double whole = us_of(model);
      Removal removal(model, config);
      removal.measure_by(config.target);
      EXPECT_DOUBLE_EQ(removal.latency_us({}), whole);
      std::vector<double> scores = score_units(config.criterion, removal.groups(), removal.limits().allowed, model);
      normalize_scores(scores, removal.groups(), config.normalization, config.scope);
      EXPECT_TRUE(one_step_above(removal, removal.select(scores, "latency", share), step, share)) << share << step;

      const StructuredReport report = prune_structured(model, config, {at::randn({2, 3, 32, 32})});
      EXPECT_DOUBLE_EQ(report.latency_us_before, whole);
      EXPECT_DOUBLE_EQ(report.latency_us_after, us_of(model));
      EXPECT_LE(us_of(model), share * whole);
      for (const auto& group : report.groups) EXPECT_EQ(group.after % step, 0) << group.name;
      EXPECT_NE(describe(report).find("estimated latency"), std::string::npos);
      EXPECT_DOUBLE_EQ(structured_report_from(to_json(report)).latency_us_after, report.latency_us_after);
    }
}

TEST(LatencyTarget, HessoReachesItInParts) {
  HessoConfig config;
  config.target = latency_config(0.6, written(planted_table(), "hesso")).target;
  config.end_epoch = 3;
  config.periods = 3;
  Model model = make_model(small_net());
  const double whole = us_of(model);
  Hesso hesso(config);
  testing::train(model, {&hesso});
  ASSERT_TRUE(hesso.done());
  EXPECT_LE(us_of(model), 0.6 * whole);
  EXPECT_GE(us_of(model), (0.6 - testing::kOneUnit) * whole);
}

std::string error_of(const StructuredConfig& config) {
  Model model = zoo_model("resnet20");
  const int64_t params = model.param("conv1.weight").raw.numel();
  try {
    prune_structured(model, config, {at::randn({2, 3, 32, 32})});
  } catch (const ConfigError& error) {
    EXPECT_EQ(model.param("conv1.weight").raw.numel(), params) << "the model stays as it was";
    return error.what();
  }
  return "";
}

TEST(LatencyTarget, BadTablesAreClearErrors) {
  const auto expect = [](const StructuredConfig& config, const std::string& part) {
    const std::string message = error_of(config);
    EXPECT_NE(message.find(part), std::string::npos) << message << " lacks: " << part;
  };
  expect(latency_config(0.5, ""), "expected a latency_table");
  expect(latency_config(0.5, written("{\"version\": 1,", "cut")), "pare_cut.json");
  expect(latency_config(0.5, written("[1, 2]", "list")), "pare_list.json");
  LatencyTable other = planted_table();
  other.grids[0].us.pop_back();
  expect(latency_config(0.5, written(other, "short")), "expected 8 times");
  other = planted_table();
  other.grids.erase(other.grids.begin());
  expect(latency_config(0.5, written(other, "without")), "expected times of Conv");

  StructuredConfig config = latency_config(0.5, written(planted_table(), "arm"));
  config.target.latency_isa = "neon";
  expect(config, "expected a latency table of neon");
  config = latency_config(0.5, written(planted_table(), "both"));
  config.target.macs = 0.5;
  expect(config, "exactly one of");
  config.target.latency.reset();
  expect(config, "with latency only");
  EXPECT_THROW(read_latency_table("/nowhere/table.json"), IoError);
}

TEST(LatencyTarget, ATimeThatNoRemovalChangesPreventsIt) {
  LatencyTable flat = planted_table();
  for (LatencyGrid& grid : flat.grids) std::fill(grid.us.begin(), grid.us.end(), 3.0);
  const std::string message = error_of(latency_config(0.5, written(flat, "flat")));
  EXPECT_NE(message.find("latency: 0.5 cannot be reached: 1 remain"), std::string::npos) << message;
}

}  // namespace
}  // namespace pare
