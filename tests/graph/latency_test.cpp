#include "core/graph/latency.h"

#include <gtest/gtest.h>

#include "core/graph/op.h"
#include "core/graph/text_form.h"

namespace pare {
namespace {

// 1 us, and 1 us a coordinate, and 1 us their product: a form that the interpolation must give back exactly.
double planted_time(const std::vector<double>& point) {
  double sum = 1.0, product = 1.0;
  for (const double x : point) sum += x, product *= x;
  return sum + product;
}

LatencyGrid planted_grid(const std::string& op, std::vector<std::vector<double>> axes, int64_t kernel = 1,
                         const std::string& dtype = "F32") {
  LatencyGrid grid{op, dtype, kernel, 1, std::move(axes), {}};
  std::vector<std::vector<double>> points = {{}};
  for (const auto& axis : grid.axes) {
    std::vector<std::vector<double>> longer;
    for (const auto& point : points) {
      for (const double x : axis) longer.push_back(point), longer.back().push_back(x);
    }
    points = std::move(longer);
  }
  for (const auto& point : points) grid.us.push_back(planted_time(point));
  return grid;
}

LatencyTable planted_table() {
  LatencyTable table;
  table.isa = "avx2";
  const std::vector<double> axis = {1, 8, 64};
  table.grids = {planted_grid("Conv", {axis, axis, axis}, 3), planted_grid("DepthwiseConv", {axis, axis}, 3),
                 planted_grid("Gemm", {axis, axis, axis}), planted_grid("Relu", {axis})};
  return table;
}

double estimate_of(const std::string& text, const LatencyTable& table = planted_table()) {
  Graph graph = parse_graph("graph g\n" + text);
  infer_shapes(graph, {}, builtin_ops());
  return estimate_latency(graph, table).us;
}

constexpr const char* kConvText =
    "input x: F32[N, 4, 10, 10]\nparameter w: F32[16, 4, 3, 3]\nparameter s: F32[16]\nc: F32? = Conv(x, w)\n";

TEST(LatencyGrid, IsExactForSumsOfProducts) {
  const LatencyGrid grid = planted_grid("Conv", {{2, 8, 32}, {1, 5}, {10, 100}});
  for (const std::vector<double>& point : {std::vector<double>{2, 1, 10}, {5, 3, 55}, {20, 4, 10}, {64, 9, 400}})
    EXPECT_DOUBLE_EQ(grid.at(point), planted_time(point));
  EXPECT_DOUBLE_EQ(grid.at({1, 1, 10}), planted_time({2, 1, 10})) << "below the smallest coordinate its value stands";
}

TEST(LatencyTable, JsonKeepsIt) {
  const LatencyTable table = planted_table();
  const Json json = config_to_json(table);
  EXPECT_EQ(config_to_json(latency_table_from_json(json)), json);
}

TEST(LatencyTable, RefusesWhatDoesNotFit) {
  const Json good = config_to_json(planted_table());
  std::vector<Json> bad(6, good);
  bad[0]["version"] = 2;
  bad[1]["grids"][0]["us"].erase(0);
  bad[2]["grids"][0]["axes"][0] = Json::array({8, 8, 64});
  bad[3]["grids"][3]["us"][0] = -1;
  bad[4]["grids"][1]["axes"].push_back(Json::array({1}));
  bad[5]["grids"][0]["surprise"] = 1;
  for (const Json& json : bad) EXPECT_THROW(latency_table_from_json(json), ConfigError) << json.dump();
}

TEST(EstimateLatency, FoldsWhatTheExecutorFolds) {
  const double conv = planted_time({4, 16, 64});
  EXPECT_DOUBLE_EQ(estimate_of(std::string(kConvText) + "output c\n"), conv);
  EXPECT_DOUBLE_EQ(estimate_of(std::string(kConvText) +
                               "b: F32? = BatchNormalization(c, s, s, s, s)\nr: F32? = Relu(b)\noutput r\n"),
                   conv);
  EXPECT_DOUBLE_EQ(estimate_of(std::string(kConvText) + "r: F32? = Relu(c)\noutput c\noutput r\n"),
                   conv + planted_time({1024}))
      << "the convolution's result is read elsewhere";
}

TEST(EstimateLatency, KnowsGroupsWindowsAndProducts) {
  EXPECT_DOUBLE_EQ(estimate_of("input x: F32[N, 8, 8, 8]\nparameter w: F32[8, 1, 3, 3]\ny: F32? = Conv(x, w) {group=8, "
                               "pads=[1, 1, 1, 1]}\noutput y\n"),
                   planted_time({8, 64}));
  EXPECT_DOUBLE_EQ(estimate_of("input x: F32[N, 8, 8, 8]\nparameter w: F32[8, 4, 3, 3]\ny: F32? = Conv(x, w) {group=2, "
                               "pads=[1, 1, 1, 1]}\noutput y\n"),
                   2 * planted_time({4, 4, 64}));
  EXPECT_DOUBLE_EQ(
      estimate_of("input x: F32[N, 8, 8, 8]\nparameter w: F32[8, 8, 1, 1]\ny: F32? = Conv(x, w)\noutput y\n"),
      planted_time({8, 8, 64}) / 9);
  EXPECT_DOUBLE_EQ(
      estimate_of("input x: F32[N, 32]\nparameter w: F32[10, 32]\ny: F32? = Gemm(x, w) {transB=1}\noutput y\n"),
      planted_time({1, 32, 10}));
  EXPECT_DOUBLE_EQ(
      estimate_of("input x: F32[N, 3, 5, 6]\ninput w: F32[N, 3, 6, 7]\ny: F32? = MatMul(x, w)\noutput y\n"),
      3 * planted_time({5, 6, 7}));
}

TEST(EstimateLatency, TakesIntegerTimesBetweenQuantizers) {
  LatencyTable table = planted_table();
  const std::string text =
      "input x: U8[N, 4, 10, 10]\nbuffer s: F32[]\nbuffer z: U8[]\nparameter w: F32[16, 4, 3, 3]\n"
      "d: F32? = DequantizeLinear(x, s, z)\nc: F32? = Conv(d, w)\nr: F32? = Relu(c)\nq: U8? = QuantizeLinear(r, s, "
      "z)\noutput q\n";
  EXPECT_THROW(estimate_of(text, table), ConfigError) << "there is no time of it";
  table.grids.push_back(planted_grid("Conv", {{1, 64}, {1, 64}, {1, 64}}, 3, "I8"));
  table.grids.back().us.assign(8, 7.0);
  EXPECT_DOUBLE_EQ(estimate_of(text, table), 7.0);
}

}  // namespace
}  // namespace pare
