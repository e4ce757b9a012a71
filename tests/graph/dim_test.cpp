#include "core/graph/dim.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/rng.h"

namespace pare {
namespace {

const Dim kN = Dim::symbol("N"), kH = Dim::symbol("h");

TEST(Dim, CanonicalText) {
  EXPECT_EQ((kN * 4 + 1).str(), "4*N+1");
  EXPECT_EQ((Dim(1) + kN * 4), (kN * 2 + kN * 2 + 1));
  EXPECT_EQ((kH * kN - kN * kH).str(), "0");
  EXPECT_EQ((kN - kH * 3).str(), "N-3*h");
  EXPECT_EQ((Dim(0) - kN).str(), "-N");
}

TEST(Dim, ExactDivision) {
  EXPECT_EQ((kN * kH * 6).exact_div(kN * 2), kH * 3);
  EXPECT_EQ(((kN + 1) * (kH - 2)).exact_div(kH - 2), kN + 1);
  EXPECT_EQ((kN * 6).exact_div(Dim(4)), std::nullopt);
  EXPECT_EQ(kN.exact_div(kH), std::nullopt);
  EXPECT_THROW(kN.exact_div(Dim(0)), ModelError);
}

TEST(Dim, FloorDivision) {
  EXPECT_EQ(Dim(-7).floor_div(2), Dim(-4));
  EXPECT_EQ(Dim(7).ceil_div(2), Dim(4));
  EXPECT_EQ((kH * 2 + 1).floor_div(2), kH);
  EXPECT_EQ((kH + 3).floor_div(2), (kH + 1).floor_div(2) + 1);
  EXPECT_EQ((kH + 1).floor_div(2).str(), "floor((h+1)/2)");
  EXPECT_EQ((kH * 6 + 3).floor_div(4), kH + (kH * 2 + 3).floor_div(4));
  EXPECT_EQ((kH * 2 + 3).floor_div(4).str(), "floor((h+1)/2)");
  EXPECT_THROW(kH.floor_div(Dim(-2)), ModelError);
}

// Floor division means the same number whichever way it was simplified, and text reads back as the same dim.
TEST(Dim, RandomExpressionsAgreeWithNumbers) {
  Rng rng(5);
  for (int round = 0; round < 500; ++round) {
    const std::map<std::string, int64_t> bindings = {{"N", static_cast<int64_t>(rng.below(20))},
                                                     {"h", static_cast<int64_t>(rng.below(50))}};
    Dim dim = rng.below(2) ? kN : kH;
    int64_t number = dim.evaluate(bindings);
    for (int step = 0; step < 4; ++step) {
      const auto k = static_cast<int64_t>(rng.below(7)) + 1;
      switch (rng.below(4)) {
        case 0: dim = dim + kH * k, number += bindings.at("h") * k; break;
        case 1: dim = dim - k, number -= k; break;
        case 2: dim = dim * k, number *= k; break;
        case 3: dim = dim.floor_div(k), number = number >= 0 ? number / k : -((-number + k - 1) / k); break;
      }
    }
    ASSERT_EQ(dim.evaluate(bindings), number) << dim;
    ASSERT_EQ(Dim::parse(dim.str()), dim) << dim;
  }
}

TEST(Dim, EvaluateAndSymbols) {
  const Dim dim = (kH + kN).floor_div(3) * 2;
  EXPECT_EQ(dim.symbols(), (std::set<std::string>{"N", "h"}));
  EXPECT_EQ(dim.evaluate({{"N", 4}, {"h", 4}}), 4);
  EXPECT_THROW(dim.evaluate({{"N", 4}}), ModelError);
  EXPECT_THROW(dim.value(), ModelError);
  EXPECT_EQ(kN.floor_div(kH).evaluate({{"N", 7}, {"h", 2}}), 3);
  EXPECT_THROW(kN.floor_div(kH).evaluate({{"N", 7}, {"h", 0}}), ModelError);
}

TEST(Dim, ParseRefusesNonsense) {
  for (const char* text :
       {"", "2*", "(N", "N)", "floor(N)", "floor(N/0)", "N h", "2N", "9999999999999999999", "N+*h", "$"})
    EXPECT_THROW(Dim::parse(text), ModelError) << text;
  EXPECT_THROW(Dim::parse(std::string(5000, '(')), ModelError);
  EXPECT_THROW(Dim::parse(std::string(900, '(') + "N" + std::string(900, ')')), ModelError);
  EXPECT_THROW(Dim::parse(std::string(900, '-') + "N"), ModelError);
  std::string bomb = "(a0+b0)";
  for (int i = 1; i < 100; ++i) bomb += "*(a" + std::to_string(i) + "+b" + std::to_string(i) + ")";
  EXPECT_THROW(Dim::parse(bomb), ModelError);
}

TEST(Dim, OverflowIsAnError) {
  const Dim big(int64_t{1} << 62);
  EXPECT_THROW(big + big, ModelError);
  EXPECT_THROW(big * 4, ModelError);
  EXPECT_THROW((kN * big).evaluate({{"N", 8}}), ModelError);
}

}  // namespace
}  // namespace pare
