#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/runtime/support.h"

namespace pare::test {
namespace {

// A few float32 roundings and the library's elementary functions.
constexpr double kFunctionError = 2e-6;

struct Unary {
  std::string op;
  std::function<double(double)> f;
  Attrs attrs = {};
  double low = -4.0, high = 4.0;
};

double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }
double gelu_tanh(double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }
double clip(double x, double low, double high) { return std::min(std::max(x, low), high); }

const std::vector<Unary> kUnary = {
    {"Relu", [](double x) { return std::max(x, 0.0); }},
    {"LeakyRelu", [](double x) { return x < 0 ? 0.01 * x : x; }},
    {"LeakyRelu", [](double x) { return x < 0 ? 0.25 * x : x; }, {{"alpha", 0.25}}},
    {"Elu", [](double x) { return x < 0 ? 1.5 * (std::exp(x) - 1) : x; }, {{"alpha", 1.5}}},
    {"Sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }},
    {"Tanh", [](double x) { return std::tanh(x); }},
    {"Gelu", gelu},
    {"Gelu", gelu_tanh, {{"approximate", std::string("tanh")}}},
    {"pare.Silu", [](double x) { return x / (1 + std::exp(-x)); }},
    {"HardSwish", [](double x) { return x * clip(x / 6 + 0.5, 0, 1); }},
    {"HardSigmoid", [](double x) { return clip(0.2 * x + 0.5, 0, 1); }},
    {"Softplus", [](double x) { return std::log(1 + std::exp(x)); }},
    {"Erf", [](double x) { return std::erf(x); }},
    {"Exp", [](double x) { return std::exp(x); }},
    {"Log", [](double x) { return std::log(x); }, {}, 0.1, 9.0},
    {"Sqrt", [](double x) { return std::sqrt(x); }, {}, 0.0, 9.0},
    {"Reciprocal", [](double x) { return 1 / x; }, {}, 0.5, 9.0},
    {"Neg", [](double x) { return -x; }},
    {"Abs", [](double x) { return std::fabs(x); }},
    {"Floor", [](double x) { return std::floor(x); }},
    {"Ceil", [](double x) { return std::ceil(x); }},
    {"Round", [](double x) { return std::nearbyint(x); }},
    {"Clip", [](double x) { return clip(x, -0.5, 2.0); }, {{"min", -0.5}, {"max", 2.0}}},
    {"Clip", [](double x) { return std::min(x, 1.0); }, {{"max", 1.0}}},
};

TEST(Elementwise, FunctionsOfOneInput) {
  for (const Unary& u : kUnary) {
    const Tensor x = random_floats({3, 5, 7}, 11, u.low, u.high);
    std::vector<double> want;
    for (float value : x.span<float>()) want.push_back(u.f(value));
    EXPECT_LT(relative_error(run_node(u.op, {{x}}, u.attrs)[0], want), kFunctionError) << u.op;
  }
}

TEST(Elementwise, HalvesRoundToEven) {
  const Tensor x = Tensor::of<float>({-2.5f, -1.5f, -0.5f, 0.5f, 1.5f, 2.5f}, {6});
  EXPECT_EQ(run_node("Round", {{x}})[0].to_doubles(), (std::vector<double>{-2, -2, 0, 0, 2, 2}));
}

TEST(Elementwise, NotANumberStaysOne) {
  const Tensor x = Tensor::of<float>({std::nanf("")}, {1});
  for (const char* op : {"Relu", "Clip", "Abs", "Sqrt", "LeakyRelu"}) {
    EXPECT_TRUE(std::isnan(run_node(op, {{x}})[0].to_doubles()[0])) << op;
  }
}

struct Binary {
  std::string op;
  std::function<double(double, double)> f;
  double low = -4.0;
};

const std::vector<Binary> kBinary = {
    {"Add", [](double a, double b) { return a + b; }},
    {"Sub", [](double a, double b) { return a - b; }},
    {"Mul", [](double a, double b) { return a * b; }},
    {"Div", [](double a, double b) { return a / b; }, 0.5},
    {"Pow", [](double a, double b) { return std::pow(a, b); }, 0.5},
    {"Min", [](double a, double b) { return std::min(a, b); }},
    {"Max", [](double a, double b) { return std::max(a, b); }},
    {"Equal", [](double a, double b) { return a == b; }},
    {"Less", [](double a, double b) { return a < b; }},
    {"Greater", [](double a, double b) { return a > b; }},
    {"PRelu", [](double a, double b) { return a < 0 ? a * b : a; }},
};

// Broadcast by index arithmetic on the full rank.
double at(const std::vector<double>& values, const Shape& shape, const Shape& wide, int64_t index) {
  int64_t offset = 0, stride = 1;
  for (size_t d = wide.size(); d-- > 0; index /= wide[d]) {
    const size_t lead = wide.size() - shape.size();
    if (d < lead) continue;
    if (shape[d - lead] != 1) offset += index % wide[d] * stride;
    stride *= shape[d - lead];
  }
  return values[static_cast<size_t>(offset)];
}

const std::vector<std::pair<Shape, Shape>> kPairs = {
    {{2, 3, 4, 5}, {2, 3, 4, 5}}, {{2, 3, 4, 5}, {3, 1, 1}}, {{2, 3, 4, 5}, {}}, {{2, 3, 1, 5}, {1, 3, 1, 1}}, {{4, 7}, {7}}};

TEST(Elementwise, FunctionsOfTwoInputsBroadcast) {
  for (const Binary& b : kBinary) {
    for (const auto& [wide, narrow] : kPairs) {
      const Tensor x = random_floats(wide, 21, b.low, 4.0), y = random_floats(narrow, 22, b.low, 4.0);
      std::vector<double> want;
      const auto xs = x.to_doubles(), ys = y.to_doubles();
      for (int64_t i = 0; i < x.numel(); ++i) want.push_back(b.f(at(xs, wide, wide, i), at(ys, narrow, wide, i)));
      EXPECT_LT(relative_error(run_node(b.op, {{x}, {y}})[0], want), kFunctionError) << b.op << fmt(" {}", narrow);
    }
  }
}

TEST(Elementwise, BothSidesBroadcast) {
  const Tensor x = random_floats({4, 1, 3}, 1), y = random_floats({1, 5, 1}, 2);
  const Tensor sum = run_node("Add", {{x}, {y}})[0];
  ASSERT_EQ(sum.shape(), (Shape{4, 5, 3}));
  for (int64_t i = 0; i < 60; ++i) {
    EXPECT_EQ(sum.data<float>()[i], x.data<float>()[i / 15 * 3 + i % 3] + y.data<float>()[i / 3 % 5]);
  }
}

TEST(Elementwise, MinAndMaxTakeAnyNumberOfInputs) {
  const Tensor a = random_floats({2, 3}, 1), b = random_floats({3}, 2), c = random_floats({2, 1}, 3);
  const Tensor low = run_node("Min", {{a}, {b}, {c}})[0], same = run_node("Max", {{a}})[0];
  for (int64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(low.data<float>()[i], std::min({a.data<float>()[i], b.data<float>()[i % 3], c.data<float>()[i / 3]}));
  }
  EXPECT_TRUE(same_bytes(same, a));
}

TEST(Elementwise, IntegersWrapAndDivideTowardsZero) {
  const Tensor a = Tensor::of<int32_t>({7, -7, INT32_MAX, INT32_MIN}, {4}), b = Tensor::of<int32_t>({2, 2, 1, -1}, {4});
  EXPECT_EQ(run_node("Div", {{a}, {b}})[0].to_ints(), (std::vector<int64_t>{3, -3, INT32_MAX, INT32_MIN}));
  EXPECT_EQ(run_node("Add", {{a}, {b}})[0].to_ints(), (std::vector<int64_t>{9, -5, INT32_MIN, INT32_MAX}));
  EXPECT_THROW(run_node("Div", {{a}, {Tensor::of<int32_t>({0}, {1})}}), ModelError);
}

TEST(Elementwise, Logic) {
  const Tensor a = Tensor::of<int32_t>({0, 0, 1, 1}, {4}).to(DType::kBool), b = Tensor::of<int32_t>({0, 1, 0, 1}, {4}).to(DType::kBool);
  EXPECT_EQ(run_node("And", {{a}, {b}})[0].to_ints(), (std::vector<int64_t>{0, 0, 0, 1}));
  EXPECT_EQ(run_node("Or", {{a}, {b}})[0].to_ints(), (std::vector<int64_t>{0, 1, 1, 1}));
  EXPECT_EQ(run_node("Not", {{a}})[0].to_ints(), (std::vector<int64_t>{1, 1, 0, 0}));
  EXPECT_EQ(run_node("Equal", {{a}, {b}})[0].to_ints(), (std::vector<int64_t>{1, 0, 0, 1}));
  const Tensor x = Tensor::of<int64_t>({1, 2, 3, 4}, {4}), y = Tensor::scalar<int64_t>(9);
  EXPECT_EQ(run_node("Where", {{a}, {x}, {y}})[0].to_ints(), (std::vector<int64_t>{9, 9, 3, 4}));
}

TEST(Elementwise, CastSaturatesAndTruncates) {
  const Tensor x = Tensor::of<float>({-1.7f, 0.0f, 2.9f, 300.0f, std::nanf("")}, {5});
  EXPECT_EQ(run_node("Cast", {{x}}, {{"to", std::string("U8")}})[0].to_ints(), (std::vector<int64_t>{0, 0, 2, 255, 0}));
  EXPECT_EQ(run_node("Cast", {{x}}, {{"to", std::string("I32")}})[0].to_ints()[0], -1);
  EXPECT_EQ(run_node("Cast", {{x}}, {{"to", std::string("BOOL")}})[0].to_ints(), (std::vector<int64_t>{1, 0, 1, 1, 1}));
  const Tensor half = run_node("Cast", {{x}}, {{"to", std::string("F16")}})[0];
  EXPECT_EQ(run_node("Cast", {{half}}, {{"to", std::string("F32")}})[0].to_doubles()[3], 300.0);
}

}  // namespace
}  // namespace pare::test
