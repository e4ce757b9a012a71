#include "core/base/text.h"

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace pare {
namespace {

TEST(Fmt, FillsHoles) {
  EXPECT_EQ(fmt("{} of {}", 3, std::string("four")), "3 of four");
  EXPECT_EQ(fmt("{}", std::vector<int64_t>{1, 2, 3}), "[1, 2, 3]");
  EXPECT_EQ(fmt("{{}} {{{}}}", 1), "{} {1}");
  EXPECT_EQ(fmt("{} {}", static_cast<int8_t>(-5), static_cast<uint8_t>(200)), "-5 200") << "small integers are numbers";
  EXPECT_EQ(fmt("no holes }"), "no holes }");
  EXPECT_EQ(fmt("one {}.", 1, 2), "one 1.2") << "surplus arguments are appended";
  EXPECT_EQ(fmt("{}", std::string("{}")), "{}") << "arguments are not patterns";
}

TEST(Text, Numbers) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(with_commas(-123456), "-123,456");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(12300), "12.3 KB");
  EXPECT_EQ(human_bytes(4560000), "4.56 MB");
  EXPECT_EQ(join({"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(join({}, ", "), "");
}

TEST(Text, NearestNames) {
  const std::vector<std::string> names = {"learning_rate", "momentum", "weight_decay", "epochs"};
  EXPECT_EQ(nearest("momentun", names), std::vector<std::string>{"momentum"});
  EXPECT_EQ(nearest("decay", names), std::vector<std::string>{"weight_decay"}) << "a part of a name is near";
  EXPECT_TRUE(nearest("zzzzzzz", names).empty());
  EXPECT_EQ(did_you_mean("epoch", names), " Did you mean \"epochs\"?");
  EXPECT_EQ(did_you_mean("zzzzzzz", names), "");
  EXPECT_EQ(did_you_mean("ab", {"ac", "ad"}), " Did you mean \"ac\" or \"ad\"?");
  EXPECT_EQ(nearest("a", {"b", "c", "d", "e"}, 2).size(), 2u);
}

TEST(Glob, Matches) {
  EXPECT_TRUE(glob_match("layer*.conv?", "layer1.0.conv2"));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("**a", "bba"));
  EXPECT_TRUE(glob_match("a*b*c", "aXbXbXc"));
  EXPECT_FALSE(glob_match("a*b*c", "aXbXbX"));
  EXPECT_FALSE(glob_match("?", ""));
  EXPECT_FALSE(glob_match("conv", "conv1"));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_FALSE(glob_match(std::string(40, '*') + "b", std::string(5000, 'a'))) << "no exponential search";
}

TEST(Error, CarriesKindAndExitCode) {
  const auto check = [](int value) { PARE_CHECK(value > 0, DataError, "[test] expected > 0, got {}", value); };
  check(1);
  try {
    check(-1);
    FAIL() << "expected DataError";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[test] expected > 0, got -1");
    EXPECT_STREQ(error.kind(), "DataError");
    EXPECT_EQ(error.exit_code(), 4);
  }
}

}  // namespace
}  // namespace pare
