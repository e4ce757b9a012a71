// half, quant_math, rng, hash.
#include <gtest/gtest.h>

#include <set>

#include "core/base/half.h"
#include "core/base/hash.h"
#include "core/base/quant_math.h"
#include "core/base/rng.h"

namespace pare {
namespace {

// Value of a half by its definition.
double half_value(uint16_t bits) {
  const int exponent = (bits >> 10) & 31, mantissa = bits & 1023;
  const double sign = bits & 0x8000 ? -1.0 : 1.0;
  if (exponent == 31) return mantissa ? std::nan("") : sign * INFINITY;
  return sign * (exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25));
}

TEST(Half, All65536Patterns) {
  for (uint32_t i = 0; i <= 0xffff; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    const float value = Half::decode(bits);
    if (std::isnan(half_value(bits))) {
      ASSERT_TRUE(std::isnan(value)) << i;
      ASSERT_TRUE(std::isnan(Half::decode(Half::encode(value)))) << i;
      continue;
    }
    ASSERT_EQ(value, half_value(bits)) << i;
    ASSERT_EQ(std::signbit(value), (bits & 0x8000) != 0) << i;
    ASSERT_EQ(Half::encode(value), bits);
  }
}

TEST(Half, EveryTieGoesToTheEvenNeighbour) {
  for (uint16_t bits = 0; bits < 0x7bff; ++bits) {
    const auto upper = static_cast<uint16_t>(bits + 1);
    const auto middle = static_cast<float>((half_value(bits) + half_value(upper)) / 2.0);
    const uint16_t even = bits % 2 == 0 ? bits : upper;
    ASSERT_EQ(Half::encode(middle), even) << bits;
    ASSERT_EQ(Half::encode(-middle), even | 0x8000) << bits;
    ASSERT_EQ(Half::encode(std::nextafter(middle, 0.0f)), bits) << bits;
    ASSERT_EQ(Half::encode(std::nextafter(middle, 1e9f)), upper) << bits;
  }
  EXPECT_EQ(Half::encode(65519.0f), 0x7bff);
  EXPECT_EQ(Half::encode(65520.0f), 0x7c00) << "half way to the next power of two is infinity";
  EXPECT_EQ(Half::encode(INFINITY), 0x7c00);
  EXPECT_EQ(Half::encode(-1e-30f), 0x8000);
}

TEST(BFloat16, RoundsHalfToEven) {
  EXPECT_EQ(BFloat16::encode(std::bit_cast<float>(0x3f808000u)), 0x3f80);
  EXPECT_EQ(BFloat16::encode(std::bit_cast<float>(0x3f818000u)), 0x3f82);
  EXPECT_EQ(BFloat16::encode(std::bit_cast<float>(0x3f808001u)), 0x3f81);
  EXPECT_EQ(BFloat16::encode(std::bit_cast<float>(0x7f7fffffu)), 0x7f80);
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(NAN))));
  for (uint32_t bits = 0; bits <= 0x7f80; ++bits)
    ASSERT_EQ(BFloat16::encode(std::bit_cast<float>(bits << 16)), bits);
}

TEST(QuantMath, TiesGoToEven) {
  const QRange range = qrange(8, true, false);
  const std::pair<float, int32_t> cases[] = {{0.5f, 0},   {1.5f, 2},   {2.5f, 2},    {-0.5f, 0},
                                             {-1.5f, -2}, {-2.5f, -2}, {0.50001f, 1}};
  for (const auto& [x, q] : cases) EXPECT_EQ(quantize(x, 1.0f, 0, range), q) << x;
  EXPECT_EQ(quantize(0.5f, 1.0f, 3, range), 3) << "the zero point is added after rounding";
  EXPECT_EQ(requantize(5, 0.5f, 0, range), 2);
  EXPECT_EQ(requantize(7, 0.5f, 1, range), 5);
}

// Dividing is not multiplying by the reciprocal: there are numbers where the two round to different integers.
TEST(QuantMath, DividesTruly) {
  const float scale = 0.1f;
  int different = 0;
  for (int32_t k = 0; k < 127; ++k) {
    float x = (static_cast<float>(k) + 0.5f) * scale;
    for (int step = -3; step <= 3; ++step) {
      const float nearby = x + static_cast<float>(step) * std::ldexp(x, -24);
      const int32_t q = quantize(nearby, scale, 0, {0, 255});
      EXPECT_EQ(q, static_cast<int32_t>(std::nearbyintf(nearby / scale)));
      different += q != static_cast<int32_t>(std::nearbyintf(nearby * (1.0f / scale)));
    }
  }
  EXPECT_GT(different, 0);
}

TEST(QuantMath, Ranges) {
  const auto expect = [](QRange r, int32_t low, int32_t high) {
    EXPECT_EQ(r.low, low);
    EXPECT_EQ(r.high, high);
  };
  expect(qrange(8, false, false), 0, 255);
  expect(qrange(8, true, false), -128, 127);
  expect(qrange(8, true, true), -127, 127);
  expect(qrange(4, true, true), -7, 7);
  expect(qrange(32, true, true), -2147483647, 2147483647);
  EXPECT_EQ(quantize(1e30f, 1e-30f, 0, qrange(8, false, false)), 255);
  EXPECT_EQ(quantize(-INFINITY, 1.0f, 0, qrange(8, true, true)), -127);
  EXPECT_EQ(quantize(NAN, 1.0f, 128, qrange(8, false, false)), 128);
  EXPECT_EQ(requantize(2147483647, 1.0f, 0, qrange(8, true, false)), 127);
}

TEST(QuantMath, ChoosesParametersThatCoverTheRange) {
  const QRange unsigned8 = qrange(8, false, false), signed8 = qrange(8, true, true);
  const QParams asymmetric = choose_qparams(-1.0f, 3.0f, unsigned8, false);
  EXPECT_EQ(asymmetric.zero_point, 64);
  EXPECT_FLOAT_EQ(asymmetric.scale, 4.0f / 255.0f);
  EXPECT_EQ(fake_quantize(0.0f, asymmetric.scale, asymmetric.zero_point, unsigned8), 0.0f) << "zero is exact";
  EXPECT_EQ(choose_qparams(1.0f, 3.0f, unsigned8, false).zero_point, 0) << "the range is widened to hold zero";
  EXPECT_EQ(choose_qparams(-3.0f, -1.0f, unsigned8, false).zero_point, 255);
  EXPECT_FLOAT_EQ(choose_qparams(-2.0f, 1.0f, signed8, true).scale, 2.0f / 127.0f);
  EXPECT_EQ(choose_qparams(-2.0f, 1.0f, signed8, true).zero_point, 0);
  EXPECT_EQ(choose_qparams(0.0f, 0.0f, signed8, true).scale, 1.0f);
  EXPECT_EQ(choose_qparams(0.0f, 0.0f, unsigned8, false).scale, 1.0f);
  EXPECT_EQ(choose_qparams(0.0f, 1e-38f, unsigned8, false).scale, 1.0f) << "no subnormal scales";
}

TEST(Rng, NumbersDependOnKeyAndPlaceAlone) {
  Rng a = Rng(7).fork("weights").fork(3), b = Rng(7).fork("weights").fork(3);
  Rng parent(7);
  for (int i = 0; i < 10; ++i) parent.next();
  Rng late = parent.fork("weights").fork(3);
  for (int i = 0; i < 100; ++i) {
    const uint64_t value = a.next();
    ASSERT_EQ(value, b.next());
    ASSERT_EQ(value, late.next()) << "forking does not depend on what was drawn before";
  }
  EXPECT_NE(Rng(7).fork("weights").next(), Rng(7).fork("weight").next());
  EXPECT_NE(Rng(7).fork(1).next(), Rng(8).fork(1).next());
}

TEST(Rng, Distributions) {
  Rng rng(1);
  constexpr int kDraws = 100000;
  // Standard errors at this many draws are below 0.004; five of them.
  constexpr double kTolerance = 0.02;
  double sum = 0, normal = 0, squares = 0;
  std::vector<int> counts(5);
  for (int i = 0; i < kDraws; ++i) {
    const double u = rng.uniform(), z = rng.normal();
    ASSERT_TRUE(u >= 0.0 && u < 1.0);
    sum += u, normal += z, squares += z * z;
    ++counts.at(rng.below(5));
  }
  EXPECT_NEAR(sum / kDraws, 0.5, kTolerance);
  EXPECT_NEAR(normal / kDraws, 0.0, kTolerance);
  EXPECT_NEAR(squares / kDraws, 1.0, kTolerance);
  for (int count : counts) EXPECT_NEAR(count / double{kDraws}, 0.2, kTolerance);
}

TEST(Rng, ShuffleKeepsTheItems) {
  std::vector<int> items(50);
  for (int i = 0; i < 50; ++i) items[static_cast<size_t>(i)] = i;
  const auto before = items;
  Rng(3).shuffle(items);
  EXPECT_NE(items, before);
  EXPECT_EQ(std::set<int>(items.begin(), items.end()).size(), 50u);
}

// Vectors of the public algorithm.
TEST(Hash, Xxh64) {
  EXPECT_EQ(hex64(xxh64("")), "ef46db3751d8e999");
  EXPECT_EQ(hex64(xxh64("a")), "d24ec4f1a98c6e5b");
  EXPECT_EQ(hex64(xxh64("abc")), "44bc2cf5ad770999");
  EXPECT_EQ(hex64(xxh64("Nobody inspects the spammish repetition")), "fbcea83c8a378bf1");
}

}  // namespace
}  // namespace pare
