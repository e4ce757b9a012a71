// The C++ wrapper, which sees the C interface alone.
#include "core/runtime/capi/pare_runtime.hpp"

#include <gtest/gtest.h>

#include "tests/format/small_model.h"

namespace pare::test {
namespace {

TEST(Wrapper, RunsAndThrows) {
  const std::string bytes = serialize_pare(small_model());
  auto model = pare_runtime::Model::from_memory(bytes.data(), bytes.size(), {.threads = 2});
  ASSERT_EQ(model.inputs().size(), 1u);
  EXPECT_EQ(model.inputs()[0].dims, (std::vector<int64_t>{-1, 8}));
  EXPECT_EQ(model.inputs()[0].symbols, (std::vector<std::string>{"N", ""}));
  EXPECT_EQ(model.labels(), (std::vector<std::string>{"cat", "dog", "ship", "\xc3\xa9"}));
  EXPECT_EQ(model.preprocess().mean, std::vector<double>{0.5});
  const std::vector<float> values(16, 1.0f);
  const pare_runtime::Input input{values.data(), values.size() * sizeof(float)};
  try {
    model.run({input});
    FAIL() << "expected an error: the input has no shape";
  } catch (const pare_runtime::Error& error) {
    EXPECT_EQ(error.status(), PARE_ERROR_ARGUMENT);
  }
  pare_runtime::Model other = model.share();
  other.set_input_shape(0, {2, 8});
  other.prepare();
  other.run({input});
  const auto output = other.output(0);
  EXPECT_EQ(output.shape, (std::vector<int64_t>{2, 4}));
  const float* rows = output.as<float>();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(rows[i], rows[4 + i]);  // equal rows in, equal rows out
  EXPECT_THROW(output.as<double>(), pare_runtime::Error);
  EXPECT_THROW(other.output(1), pare_runtime::Error);
}

}  // namespace
}  // namespace pare::test
