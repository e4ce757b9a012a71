#include <gtest/gtest.h>

#include "tests/runtime/support.h"

namespace pare::test {
namespace {

using Ints = std::vector<int64_t>;

// 0, 1, 2, ... so that every element tells where it came from.
Tensor counted(const Shape& shape, DType dtype = DType::kI64) {
  Ints values;
  for (int64_t i = 0; i < numel_of(shape); ++i) values.push_back(i);
  return Tensor::of(values, shape).to(dtype);
}

Ints run_ints(const std::string& op, const std::vector<Operand>& operands, const Attrs& attrs = {}) {
  return run_node(op, operands, attrs)[0].to_ints();
}

TEST(Movement, TransposeOfEveryElementSize) {
  for (DType dtype : {DType::kU8, DType::kI16, DType::kF32, DType::kI64}) {
    const Tensor y = run_node("Transpose", {{counted({2, 3, 4}, dtype)}}, {{"perm", Ints{2, 0, 1}}})[0];
    ASSERT_EQ(y.shape(), (Shape{4, 2, 3}));
    const Ints values = y.to_ints();
    for (int64_t i = 0; i < 24; ++i) EXPECT_EQ(values[static_cast<size_t>(i)], i / 3 % 2 * 12 + i % 3 * 4 + i / 6) << dtype;
  }
  EXPECT_EQ(run_ints("Transpose", {{counted({2, 3})}}), (Ints{0, 3, 1, 4, 2, 5}));
}

TEST(Movement, SliceForwardsBackwardsAndClamped) {
  const Tensor x = counted({2, 6});
  EXPECT_EQ(run_ints("Slice", {{x}}, {{"starts", Ints{1}}, {"ends", Ints{INT64_MAX}}, {"axes", Ints{1}}, {"steps", Ints{2}}}),
            (Ints{1, 3, 5, 7, 9, 11}));
  EXPECT_EQ(run_ints("Slice", {{x}}, {{"starts", Ints{-1}}, {"ends", Ints{INT64_MIN}}, {"axes", Ints{-1}}, {"steps", Ints{-2}}}),
            (Ints{5, 3, 1, 11, 9, 7}));
  EXPECT_EQ(run_ints("Slice", {{x}}, {{"starts", Ints{1, -3}}, {"ends", Ints{9, -1}}}), (Ints{9, 10}));
  EXPECT_EQ(run_ints("Slice", {{x}}, {{"starts", Ints{4}}, {"ends", Ints{2}}, {"axes", Ints{1}}}), Ints{});
}

TEST(Movement, ConcatAndSplitAreInverse) {
  const Tensor a = counted({2, 2, 3}), b = counted({2, 1, 3}), c = counted({2, 4, 3});
  const Tensor whole = run_node("Concat", {{a}, {b}, {c, true}}, {{"axis", int64_t{-2}}})[0];
  ASSERT_EQ(whole.shape(), (Shape{2, 7, 3}));
  const auto parts = run_node("Split", {{whole}}, {{"axis", int64_t{1}}, {"split", Ints{2, 1, 4}}}, 3);
  EXPECT_TRUE(same_bytes(parts[0], a));
  EXPECT_TRUE(same_bytes(parts[1], b));
  EXPECT_TRUE(same_bytes(parts[2], c));
  const auto uneven = run_node("Split", {{counted({5})}}, {}, 2);
  EXPECT_EQ(uneven[0].to_ints(), (Ints{0, 1, 2}));
  EXPECT_EQ(uneven[1].to_ints(), (Ints{3, 4}));
}

TEST(Movement, PadModes) {
  const Tensor x = counted({2, 3}, DType::kF32);
  EXPECT_EQ(run_ints("Pad", {{x}}, {{"pads", Ints{0, 1, 1, 0}}, {"value", 7.0}}), (Ints{7, 0, 1, 2, 7, 3, 4, 5, 7, 7, 7, 7}));
  EXPECT_EQ(run_ints("Pad", {{x}}, {{"pads", Ints{-1, 1, 0, -1}}, {"value", 7.0}}), (Ints{7, 3, 4}));
  EXPECT_EQ(run_ints("Pad", {{counted({3})}}, {{"pads", Ints{2, 2}}, {"mode", std::string("reflect")}}), (Ints{2, 1, 0, 1, 2, 1, 0}));
  EXPECT_EQ(run_ints("Pad", {{counted({3})}}, {{"pads", Ints{2, 1}}, {"mode", std::string("edge")}}), (Ints{0, 0, 0, 1, 2, 2}));
}

TEST(Movement, GatherChecksItsIndices) {
  const Tensor x = counted({3, 2}), indices = Tensor::of<int64_t>({2, -3, 1}, {3});
  EXPECT_EQ(run_ints("Gather", {{x}, {indices}}), (Ints{4, 5, 0, 1, 2, 3}));
  EXPECT_EQ(run_ints("Gather", {{x}, {Tensor::of<int32_t>({1, 1}, {2, 1})}}, {{"axis", int64_t{1}}}), (Ints{1, 1, 3, 3, 5, 5}));
  EXPECT_THROW(run_node("Gather", {{x}, {Tensor::of<int64_t>({3}, {1})}}), ModelError);
  EXPECT_THROW(run_node("Gather", {{x}, {Tensor::of<int64_t>({0, -4, 0, 0}, {4})}}, {}, 1, 2), ModelError);
}

TEST(Movement, TileExpandAndDepthToSpace) {
  EXPECT_EQ(run_ints("Tile", {{counted({2, 2})}}, {{"repeats", Ints{1, 2}}}), (Ints{0, 1, 0, 1, 2, 3, 2, 3}));
  EXPECT_EQ(run_ints("Expand", {{counted({2, 1})}}, {{"shape", Ints{2, 2, 3}}}), (Ints{0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1}));
  const Tensor x = counted({1, 8, 1, 2});
  EXPECT_EQ(run_ints("DepthToSpace", {{x}}, {{"blocksize", int64_t{2}}}), (Ints{0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15}));
  EXPECT_EQ(run_ints("DepthToSpace", {{x}}, {{"blocksize", int64_t{2}}, {"mode", std::string("CRD")}}),
            (Ints{0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15}));
}

TEST(Movement, ShapesOfTheSameBytes) {
  const Tensor x = counted({2, 1, 6});
  for (const auto& [op, attrs, shape] : std::vector<std::tuple<std::string, Attrs, Shape>>{
           {"Reshape", {{"shape", Ints{3, -1}}}, {3, 4}},
           {"Flatten", {{"axis", int64_t{2}}}, {2, 6}},
           {"Squeeze", {}, {2, 6}},
           {"Unsqueeze", {{"axes", Ints{0, -1}}}, {1, 2, 1, 6, 1}},
           {"Identity", {}, {2, 1, 6}},
           {"Dropout", {{"ratio", 0.9}}, {2, 1, 6}}}) {
    const Tensor y = run_node(op, {{x}}, attrs)[0];
    EXPECT_EQ(y.shape(), shape) << op;
    EXPECT_EQ(y.to_ints(), x.to_ints()) << op;
  }
  EXPECT_EQ(run_ints("Shape", {{x}}), (Ints{2, 1, 6}));
  EXPECT_EQ(run_ints("Shape", {{x}}, {{"start", int64_t{-1}}}), (Ints{6}));
}

// Interpolation of one axis by the formula of the operator.
double sample(const std::vector<double>& x, double at) {
  at = std::min(std::max(at, 0.0), static_cast<double>(x.size() - 1));
  const auto low = static_cast<size_t>(at), high = std::min(low + 1, x.size() - 1);
  return x[low] + (x[high] - x[low]) * (at - static_cast<double>(low));
}

TEST(Resize, LinearCoordinates) {
  const Tensor x = random_floats({1, 1, 1, 5}, 3);
  const auto values = x.to_doubles();
  for (const std::string mode : {"half_pixel", "asymmetric", "align_corners"}) {
    std::vector<double> want;
    for (int64_t i = 0; i < 8; ++i) {
      const double c = static_cast<double>(i), scale = 8.0 / 5.0;
      want.push_back(sample(values, mode == "half_pixel" ? (c + 0.5) / scale - 0.5 : mode == "asymmetric" ? c / scale : c * 4.0 / 7.0));
    }
    const Tensor y = run_node("Resize", {{x}}, {{"sizes", Ints{-1, -1, -1, 8}}, {"mode", std::string("linear")}, {"coordinate_transformation_mode", mode}})[0];
    // Coordinates are float32.
    EXPECT_LT(relative_error(y, want), 1e-6) << mode;
  }
}

TEST(Resize, BilinearIsSeparable) {
  const Tensor x = random_floats({2, 1, 3, 4}, 3);
  const Attrs linear = {{"mode", std::string("linear")}};
  Attrs both = linear, rows = linear, columns = linear;
  both.set("scales", std::vector<double>{1, 1, 2, 3});
  rows.set("scales", std::vector<double>{1, 1, 2, 1});
  columns.set("scales", std::vector<double>{1, 1, 1, 3});
  const Tensor once = run_node("Resize", {{x}}, both)[0], twice = run_node("Resize", {{run_node("Resize", {{x}}, rows)[0]}}, columns)[0];
  ASSERT_EQ(once.shape(), (Shape{2, 1, 6, 12}));
  EXPECT_LT(relative_error(once, twice.to_doubles()), 1e-6);
}

TEST(Resize, NearestModes) {
  const auto run = [](const char* nearest) {
    return run_ints("Resize", {{counted({1, 4})}}, {{"scales", std::vector<double>{1, 1.5}}, {"nearest_mode", std::string(nearest)}});
  };
  // Centres: -1/6, 1/2, 7/6, 11/6, 5/2, 19/6.
  EXPECT_EQ(run("round_prefer_floor"), (Ints{0, 0, 1, 2, 2, 3}));
  EXPECT_EQ(run("round_prefer_ceil"), (Ints{0, 1, 1, 2, 3, 3}));
  EXPECT_EQ(run("floor"), (Ints{0, 0, 1, 1, 2, 3}));
  EXPECT_EQ(run("ceil"), (Ints{0, 1, 2, 2, 3, 3}));
}

}  // namespace
}  // namespace pare::test
