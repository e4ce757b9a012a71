#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/runtime/support.h"

namespace pare::test {
namespace {

// float32 sums of up to a hundred products, and statistics rounded once.
constexpr double kLayerError = 1e-5;

TEST(Gemm, AllTranspositionsAndScales) {
  const int64_t m = 5, k = 37, n = 70;
  for (int64_t trans_a : {0, 1}) {
    for (int64_t trans_b : {0, 1}) {
      const Tensor a = random_floats(trans_a ? Shape{k, m} : Shape{m, k}, 1), c = random_floats({n}, 3);
      const Tensor b = random_floats(trans_b ? Shape{n, k} : Shape{k, n}, 2);
      const Attrs attrs = {{"transA", trans_a}, {"transB", trans_b}, {"alpha", 0.5}, {"beta", 2.0}};
      std::vector<double> want;
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          double sum = 0.0;
          for (int64_t l = 0; l < k; ++l) {
            sum += static_cast<double>(a.data<float>()[trans_a ? l * m + i : i * k + l]) *
                   b.data<float>()[trans_b ? j * k + l : l * n + j];
          }
          want.push_back(0.5 * sum + 2.0 * c.data<float>()[j]);
        }
      }
      const Tensor y = run_node("Gemm", {{a}, {b, true}, {c, true}}, attrs)[0];
      EXPECT_LT(relative_error(y, want), kLayerError) << trans_a << trans_b;
      EXPECT_TRUE(same_bytes(y, run_node("Gemm", {{a}, {b}, {c}}, attrs, 1, 3)[0]));
    }
  }
}

TEST(MatMul, BatchesBroadcast) {
  const Tensor a = random_floats({2, 1, 4, 6}, 1), b = random_floats({3, 6, 5}, 2);
  const Tensor y = run_node("MatMul", {{a}, {b}})[0];
  ASSERT_EQ(y.shape(), (Shape{2, 3, 4, 5}));
  std::vector<double> want;
  for (int64_t i = 0; i < y.numel(); ++i) {
    const int64_t column = i % 5, row = i / 5 % 4, batch_b = i / 20 % 3, batch_a = i / 60;
    double sum = 0.0;
    for (int64_t l = 0; l < 6; ++l) {
      sum += static_cast<double>(a.data<float>()[(batch_a * 4 + row) * 6 + l]) * b.data<float>()[(batch_b * 6 + l) * 5 + column];
    }
    want.push_back(sum);
  }
  EXPECT_LT(relative_error(y, want), kLayerError);
  EXPECT_TRUE(same_bytes(y, run_node("MatMul", {{a}, {b, true}}, {}, 1, 2)[0]));
}

TEST(MatMul, VectorsAndConstantMatrices) {
  const Tensor a = random_floats({3, 4, 6}, 1), w = random_floats({6, 40}, 2), v = random_floats({6}, 3);
  const Tensor y = run_node("MatMul", {{a}, {w, true}})[0];
  EXPECT_TRUE(same_bytes(y, run_node("MatMul", {{a}, {w}})[0]));
  EXPECT_EQ(run_node("MatMul", {{a}, {v}})[0].shape(), (Shape{3, 4}));
  EXPECT_EQ(run_node("MatMul", {{v}, {w}})[0].shape(), (Shape{40}));
}

// Pool windows from the definition; `kind` 0 max, 1 mean without pads, 2 mean with pads.
std::vector<double> naive_pool(const Tensor& x, const Shape& out, int64_t k, int64_t stride, int64_t pad, int64_t dilation, int kind) {
  std::vector<double> y;
  const int64_t h = x.dim(2), w = x.dim(3);
  for (int64_t i = 0; i < numel_of(out); ++i) {
    const int64_t plane = i / (out[2] * out[3]), top = i / out[3] % out[2] * stride - pad, left = i % out[3] * stride - pad;
    double best = -INFINITY, sum = 0.0;
    int64_t count = 0;
    for (int64_t a = 0; a < k; ++a) {
      for (int64_t b = 0; b < k; ++b) {
        const int64_t row = top + a * dilation, column = left + b * dilation;
        if (row < h + pad && column < w + pad) count += kind == 2;
        if (row < 0 || row >= h || column < 0 || column >= w) continue;
        const double value = x.data<float>()[(plane * h + row) * w + column];
        best = std::max(best, value);
        sum += value;
        count += kind == 1;
      }
    }
    y.push_back(kind == 0 ? best : sum / static_cast<double>(count));
  }
  return y;
}

TEST(Pool, EqualsTheDefinition) {
  const Tensor x = random_floats({2, 3, 9, 11}, 5);
  for (int64_t ceil_mode : {0, 1}) {
    Attrs attrs = {{"kernel_shape", std::vector<int64_t>{3, 3}}, {"strides", std::vector<int64_t>{2, 2}},
                   {"pads", std::vector<int64_t>{1, 1, 1, 1}}, {"ceil_mode", ceil_mode}};
    const Tensor most = run_node("MaxPool", {{x}}, attrs)[0], mean = run_node("AveragePool", {{x}}, attrs)[0];
    EXPECT_LT(relative_error(most, naive_pool(x, most.shape(), 3, 2, 1, 1, 0)), kLayerError);
    EXPECT_LT(relative_error(mean, naive_pool(x, mean.shape(), 3, 2, 1, 1, 1)), kLayerError);
    attrs.set("count_include_pad", int64_t{1});
    const Tensor padded = run_node("AveragePool", {{x}}, attrs)[0];
    EXPECT_LT(relative_error(padded, naive_pool(x, padded.shape(), 3, 2, 1, 1, 2)), kLayerError);
  }
  const Tensor dilated = run_node("MaxPool", {{x}}, {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"dilations", std::vector<int64_t>{3, 3}}})[0];
  EXPECT_LT(relative_error(dilated, naive_pool(x, dilated.shape(), 2, 1, 0, 3, 0)), kLayerError);
}

TEST(Pool, GlobalMean) {
  const Tensor x = random_floats({2, 3, 5, 7}, 6), y = run_node("GlobalAveragePool", {{x}})[0];
  ASSERT_EQ(y.shape(), (Shape{2, 3, 1, 1}));
  std::vector<double> want(6, 0.0);
  for (int64_t i = 0; i < x.numel(); ++i) want[static_cast<size_t>(i / 35)] += x.data<float>()[i] / 35.0;
  EXPECT_LT(relative_error(y, want), kLayerError);
}

TEST(Norm, BatchNormalization) {
  const Tensor x = random_floats({2, 3, 4, 5}, 1), scale = random_floats({3}, 2), bias = random_floats({3}, 3);
  const Tensor mean = random_floats({3}, 4), variance = random_floats({3}, 5, 0.1, 2.0);
  std::vector<double> want;
  for (int64_t i = 0; i < x.numel(); ++i) {
    const int64_t c = i / 20 % 3;
    want.push_back((x.data<float>()[i] - mean.data<float>()[c]) / std::sqrt(variance.data<float>()[c] + 1e-3) * scale.data<float>()[c] +
                   bias.data<float>()[c]);
  }
  const Tensor y = run_node("BatchNormalization", {{x}, {scale, true}, {bias, true}, {mean, true}, {variance, true}}, {{"epsilon", 1e-3}})[0];
  EXPECT_LT(relative_error(y, want), kLayerError);
}

// (x - mean) / sqrt(var + eps) over rows of `width`; without centring: x / sqrt(mean square + eps).
std::vector<double> normalized(const Tensor& x, int64_t width, bool centred) {
  std::vector<double> y;
  for (int64_t row = 0; row < x.numel() / width; ++row) {
    const float* p = x.data<float>() + row * width;
    double mean = 0.0, square = 0.0;
    for (int64_t i = 0; centred && i < width; ++i) mean += p[i] / static_cast<double>(width);
    for (int64_t i = 0; i < width; ++i) square += (p[i] - mean) * (p[i] - mean) / static_cast<double>(width);
    for (int64_t i = 0; i < width; ++i) y.push_back((p[i] - mean) / std::sqrt(square + 1e-5));
  }
  return y;
}

TEST(Norm, RowsAndGroups) {
  const Tensor x = random_floats({2, 4, 3, 5}, 1), scale = random_floats({15}, 2), bias = random_floats({15}, 3);
  const Tensor channel_scale = random_floats({4}, 4), channel_bias = random_floats({4}, 5);
  const auto scaled = [&](std::vector<double> y, bool shift) {
    for (size_t i = 0; i < y.size(); ++i) y[i] = y[i] * scale.data<float>()[i % 15] + (shift ? bias.data<float>()[i % 15] : 0.0);
    return y;
  };
  const auto by_channel = [&](std::vector<double> y) {
    for (size_t i = 0; i < y.size(); ++i) y[i] = y[i] * channel_scale.data<float>()[i / 15 % 4] + channel_bias.data<float>()[i / 15 % 4];
    return y;
  };
  const Tensor s = scale.reshaped({3, 5}), b = bias.reshaped({3, 5});
  EXPECT_LT(relative_error(run_node("LayerNormalization", {{x}, {s}, {b}}, {{"axis", int64_t{2}}})[0], scaled(normalized(x, 15, true), true)), kLayerError);
  EXPECT_LT(relative_error(run_node("LayerNormalization", {{x}, {s}}, {{"axis", int64_t{-2}}})[0], scaled(normalized(x, 15, true), false)), kLayerError);
  EXPECT_LT(relative_error(run_node("RMSNormalization", {{x}, {s}}, {{"axis", int64_t{2}}})[0], scaled(normalized(x, 15, false), false)), kLayerError);
  EXPECT_LT(relative_error(run_node("GroupNormalization", {{x}, {channel_scale}, {channel_bias}}, {{"num_groups", int64_t{2}}})[0],
                           by_channel(normalized(x, 30, true))), kLayerError);
  EXPECT_LT(relative_error(run_node("InstanceNormalization", {{x}, {channel_scale}, {channel_bias}})[0], by_channel(normalized(x, 15, true))), kLayerError);
}

TEST(Softmax, OverEveryAxis) {
  const Tensor x = random_floats({3, 4, 5}, 1, -30.0, 30.0);
  const Shape strides = {20, 5, 1};
  for (int64_t axis = 0; axis < 3; ++axis) {
    const auto d = static_cast<size_t>(axis);
    std::vector<double> want, want_log;
    for (int64_t i = 0; i < x.numel(); ++i) {
      const int64_t base = i - i / strides[d] % x.dim(axis) * strides[d];
      double sum = 0.0;
      for (int64_t k = 0; k < x.dim(axis); ++k) sum += std::exp(static_cast<double>(x.data<float>()[base + k * strides[d]]));
      want.push_back(std::exp(static_cast<double>(x.data<float>()[i])) / sum);
      want_log.push_back(x.data<float>()[i] - std::log(sum));
    }
    EXPECT_LT(relative_error(run_node("Softmax", {{x}}, {{"axis", axis}})[0], want), kLayerError);
    EXPECT_LT(relative_error(run_node("LogSoftmax", {{x}}, {{"axis", axis - 3}})[0], want_log), kLayerError);
  }
}

TEST(Reduce, EveryOperatorOverSeveralAxes) {
  const Tensor x = random_floats({2, 3, 4, 5}, 1);
  for (const std::vector<int64_t>& axes : {std::vector<int64_t>{1}, {0, 2}, {-1, 1}, {0, 1, 2, 3}}) {
    std::map<std::string, std::map<std::vector<int64_t>, double>> want;
    for (int64_t i = 0; i < x.numel(); ++i) {
      std::vector<int64_t> index = {i / 60, i / 20 % 3, i / 5 % 4, i % 5};
      for (int64_t axis : axes) index[static_cast<size_t>(axis < 0 ? axis + 4 : axis)] = 0;
      const double value = x.data<float>()[i];
      const bool first = !want["ReduceSum"].count(index);
      want["ReduceSum"][index] += value;
      want["ReduceMax"][index] = first ? value : std::max(want["ReduceMax"][index], value);
      want["ReduceMin"][index] = first ? value : std::min(want["ReduceMin"][index], value);
    }
    for (const auto& [index, sum] : want["ReduceSum"]) {
      want["ReduceMean"][index] = sum * static_cast<double>(want["ReduceSum"].size()) / 120.0;
    }
    for (const auto& [op, cells] : want) {
      std::vector<double> values;
      for (const auto& [index, value] : cells) values.push_back(value);
      EXPECT_LT(relative_error(run_node(op, {{x}}, {{"axes", axes}, {"keepdims", int64_t{0}}})[0], values), kLayerError) << op;
    }
  }
}

TEST(Reduce, ArgMaxTakesTheFirstOrLastOfEqualValues) {
  const Tensor x = Tensor::of<float>({1, 5, 5, 2, 9, 9}, {2, 3});
  EXPECT_EQ(run_node("ArgMax", {{x}}, {{"axis", int64_t{1}}})[0].to_ints(), (std::vector<int64_t>{1, 1}));
  EXPECT_EQ(run_node("ArgMax", {{x}}, {{"axis", int64_t{1}}, {"select_last_index", int64_t{1}}})[0].to_ints(), (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(run_node("ArgMax", {{x}}, {{"axis", int64_t{0}}})[0].to_ints(), (std::vector<int64_t>{1, 1, 1}));
}

TEST(TopK, OrdersValuesAndKeepsTheirIndices) {
  const Tensor x = Tensor::of<float>({3, 1, 4, 1, 5, 9, 2, 6}, {2, 4});
  const auto most = run_node("TopK", {{x}}, {{"k", int64_t{2}}}, 2);
  EXPECT_EQ(most[0].to_doubles(), (std::vector<double>{4, 3, 9, 6}));
  EXPECT_EQ(most[1].to_ints(), (std::vector<int64_t>{2, 0, 1, 3}));
  const auto least = run_node("TopK", {{x}}, {{"k", int64_t{1}}, {"axis", int64_t{0}}, {"largest", int64_t{0}}}, 2);
  EXPECT_EQ(least[0].to_doubles(), (std::vector<double>{3, 1, 2, 1}));
  EXPECT_EQ(least[1].to_ints(), (std::vector<int64_t>{0, 0, 1, 0}));
}

}  // namespace
}  // namespace pare::test
