#include <gtest/gtest.h>

#include "tests/runtime/support.h"

namespace pare::test {
namespace {

// float32 sums of a few hundred products against double ones.
constexpr double kConvError = 2e-5;

struct ConvCase {
  Shape x, w;
  int64_t group = 1;
  std::vector<int64_t> strides, dilations, pads;
  bool bias = true;
};

std::ostream& operator<<(std::ostream& out, const ConvCase& c) {
  return out << fmt("x {} w {} group {} strides {} dilations {} pads {}", c.x, c.w, c.group, c.strides, c.dilations, c.pads);
}

const std::vector<ConvCase> kCases = {
    {{1, 1, 1, 1}, {1, 1, 1, 1}, 1, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {{2, 3, 8, 8}, {5, 3, 3, 3}, 1, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {{1, 4, 7, 9}, {6, 4, 3, 2}, 1, {2, 1}, {1, 2}, {0, 1, 2, 0}, false},
    {{2, 6, 5, 11}, {9, 2, 3, 3}, 3, {2, 3}, {2, 1}, {2, 1, 1, 0}},
    {{1, 8, 6, 6}, {8, 1, 3, 3}, 8, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {{3, 5, 33, 3}, {7, 5, 1, 1}, 1, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {{2, 4, 19}, {3, 4, 5}, 1, {2}, {1}, {2, 1}},
};

Attrs attrs_of(const ConvCase& c) {
  return {{"group", c.group}, {"strides", c.strides}, {"dilations", c.dilations}, {"pads", c.pads}};
}

// [N, C, W] seen as [N, C, 1, W].
struct Flat {
  Shape x, w;
  std::vector<int64_t> strides, dilations, pads;
};

Flat flat_of(const ConvCase& c) {
  if (c.x.size() == 4) return {c.x, c.w, c.strides, c.dilations, c.pads};
  return {{c.x[0], c.x[1], 1, c.x[2]}, {c.w[0], c.w[1], 1, c.w[2]}, {1, c.strides[0]}, {1, c.dilations[0]},
          {0, c.pads[0], 0, c.pads[1]}};
}

// One output element at a time, from the definition.
std::vector<double> naive_conv(const ConvCase& c, const Tensor& x, const Tensor& w, const Tensor& bias, const Shape& out) {
  const Flat f = flat_of(c);
  const int64_t out_h = out.size() == 4 ? out[2] : 1, out_w = out.back(), in_group = f.w[1], out_group = f.w[0] / c.group;
  const float *px = x.data<float>(), *pw = w.data<float>();
  std::vector<double> y;
  for (int64_t n = 0; n < f.x[0]; ++n)
    for (int64_t o = 0; o < f.w[0]; ++o)
      for (int64_t h = 0; h < out_h; ++h)
        for (int64_t v = 0; v < out_w; ++v) {
          double sum = bias.defined() ? bias.data<float>()[o] : 0.0;
          for (int64_t ch = 0; ch < in_group; ++ch)
            for (int64_t i = 0; i < f.w[2]; ++i)
              for (int64_t j = 0; j < f.w[3]; ++j) {
                const int64_t row = h * f.strides[0] - f.pads[0] + i * f.dilations[0];
                const int64_t column = v * f.strides[1] - f.pads[1] + j * f.dilations[1];
                if (row < 0 || row >= f.x[2] || column < 0 || column >= f.x[3]) continue;
                const int64_t channel = o / out_group * in_group + ch;
                sum += static_cast<double>(px[((n * f.x[1] + channel) * f.x[2] + row) * f.x[3] + column]) *
                       pw[((o * in_group + ch) * f.w[2] + i) * f.w[3] + j];
              }
          y.push_back(sum);
        }
  return y;
}

class Conv : public testing::TestWithParam<ConvCase> {};

TEST_P(Conv, EqualsTheDefinition) {
  const ConvCase& c = GetParam();
  const Tensor x = random_floats(c.x, 1), w = random_floats(c.w, 2);
  const Tensor bias = c.bias ? random_floats({c.w[0]}, 3) : Tensor();
  const Tensor y = run_node("Conv", {{x}, {w, true}, {bias, true}}, attrs_of(c))[0];
  EXPECT_LT(relative_error(y, naive_conv(c, x, w, bias, y.shape())), kConvError);
  const Tensor dynamic = run_node("Conv", {{x}, {w}, {bias}}, attrs_of(c), 1, 3)[0];
  EXPECT_TRUE(same_bytes(y, dynamic)) << "weights given at run time, three threads";
}

INSTANTIATE_TEST_SUITE_P(Shapes, Conv, testing::ValuesIn(kCases));

// Scatters every input element over the output, which is how the operator is defined.
std::vector<double> naive_transposed(const ConvCase& c, const Tensor& x, const Tensor& w, const Shape& out) {
  const int64_t out_group = c.w[1], in_group = c.x[1] / c.group;
  std::vector<double> y(static_cast<size_t>(numel_of(out)), 0.0);
  for (int64_t n = 0; n < c.x[0]; ++n)
    for (int64_t ch = 0; ch < c.x[1]; ++ch)
      for (int64_t h = 0; h < c.x[2]; ++h)
        for (int64_t v = 0; v < c.x[3]; ++v)
          for (int64_t o = 0; o < out_group; ++o)
            for (int64_t i = 0; i < c.w[2]; ++i)
              for (int64_t j = 0; j < c.w[3]; ++j) {
                const int64_t row = h * c.strides[0] - c.pads[0] + i * c.dilations[0];
                const int64_t column = v * c.strides[1] - c.pads[1] + j * c.dilations[1];
                if (row < 0 || row >= out[2] || column < 0 || column >= out[3]) continue;
                const int64_t channel = ch / in_group * out_group + o;
                y[static_cast<size_t>(((n * out[1] + channel) * out[2] + row) * out[3] + column)] +=
                    static_cast<double>(x.data<float>()[((n * c.x[1] + ch) * c.x[2] + h) * c.x[3] + v]) *
                    w.data<float>()[((ch * out_group + o) * c.w[2] + i) * c.w[3] + j];
              }
  return y;
}

const std::vector<ConvCase> kTransposed = {
    {{1, 3, 4, 5}, {3, 2, 3, 3}, 1, {2, 2}, {1, 1}, {1, 1, 1, 1}},
    {{2, 4, 3, 7}, {4, 3, 2, 3}, 2, {1, 3}, {2, 1}, {0, 1, 0, 0}},
    {{1, 6, 5, 5}, {6, 1, 4, 4}, 6, {2, 2}, {1, 1}, {1, 1, 1, 1}},
};

class ConvTranspose : public testing::TestWithParam<ConvCase> {};

TEST_P(ConvTranspose, EqualsTheDefinition) {
  const ConvCase& c = GetParam();
  const Tensor x = random_floats(c.x, 4), w = random_floats(c.w, 5);
  const Tensor y = run_node("ConvTranspose", {{x}, {w, true}}, attrs_of(c))[0];
  EXPECT_LT(relative_error(y, naive_transposed(c, x, w, y.shape())), kConvError);
}

INSTANTIATE_TEST_SUITE_P(Shapes, ConvTranspose, testing::ValuesIn(kTransposed));

}  // namespace
}  // namespace pare::test
