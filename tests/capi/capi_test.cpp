// The C interface: descriptions, shapes, runs, errors, structs of other versions.
#include "core/runtime/capi/pare_runtime.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "core/runtime/executor.h"
#include "tests/format/small_model.h"

namespace pare::test {
namespace {

constexpr int64_t kWidth = 8, kClasses = 4;

std::vector<float> ramp(int64_t rows) {
  std::vector<float> out(static_cast<size_t>(rows * kWidth));
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(i % 11) - 5;
  return out;
}

class CApi : public ::testing::Test {
 protected:
  ~CApi() override { pare_model_free(model_); }
  void load(const pare_options* options = nullptr) {
    ASSERT_EQ(pare_model_load_memory(bytes_.data(), bytes_.size(), options, &model_, &error_), PARE_OK)
        << error_.message;
  }
  void shape(int64_t rows) {
    const int64_t dims[] = {rows, kWidth};
    ASSERT_EQ(pare_model_set_input_shape(model_, 0, dims, 2, &error_), PARE_OK) << error_.message;
  }
  static pare_status run(pare_model* model, const std::vector<float>& values, pare_error* error) {
    const void* data[] = {values.data()};
    const size_t sizes[] = {values.size() * sizeof(float)};
    return pare_model_run(model, data, sizes, 1, error);
  }
  // What the library itself gives.
  std::vector<float> wanted(int64_t rows) const {
    const Tensor out = Executor(small_model()).run({Tensor::of(ramp(rows), {rows, kWidth})})[0];
    return {out.span<float>().begin(), out.span<float>().end()};
  }

  const std::string bytes_ = serialize_pare(small_model());
  pare_model* model_ = nullptr;
  pare_error error_ = PARE_ERROR_INIT;
};

TEST_F(CApi, DescribesInputsAndOutputs) {
  load();
  ASSERT_EQ(pare_model_input_count(model_), 1);
  ASSERT_EQ(pare_model_output_count(model_), 1);
  pare_value_info info = PARE_VALUE_INFO_INIT;
  ASSERT_EQ(pare_model_input_info(model_, 0, &info, &error_), PARE_OK);
  EXPECT_STREQ(info.name, "input");
  EXPECT_EQ(info.dtype, PARE_F32);
  ASSERT_EQ(info.rank, 2);
  EXPECT_EQ(info.dims[0], -1);
  EXPECT_STREQ(info.symbols[0], "N");
  EXPECT_EQ(info.dims[1], kWidth);
  EXPECT_EQ(info.symbols[1], nullptr);
  ASSERT_EQ(pare_model_output_info(model_, 0, &info, &error_), PARE_OK);
  EXPECT_STREQ(info.symbols[0], "N");
  EXPECT_EQ(info.dims[1], kClasses);
  EXPECT_EQ(pare_model_input_info(model_, 1, &info, &error_), PARE_ERROR_ARGUMENT);
  EXPECT_EQ(pare_dtype_size(PARE_BF16), 2u);
  EXPECT_STREQ(pare_dtype_name(PARE_I64), "I64");
  EXPECT_EQ(pare_dtype_name(99), nullptr);
  EXPECT_EQ(pare_abi_version(), PARE_ABI_VERSION);
}

TEST_F(CApi, RunsEveryShape) {
  load();
  for (int64_t rows : {3, 1, 0, 3}) {
    shape(rows);
    ASSERT_EQ(pare_model_prepare(model_, &error_), PARE_OK) << error_.message;
    ASSERT_EQ(run(model_, ramp(rows), &error_), PARE_OK) << error_.message;
    pare_tensor out = PARE_TENSOR_INIT;
    ASSERT_EQ(pare_model_output(model_, 0, &out, &error_), PARE_OK);
    ASSERT_EQ(out.rank, 2);
    EXPECT_EQ(out.dims[0], rows);
    EXPECT_EQ(out.bytes, static_cast<size_t>(rows * kClasses) * sizeof(float));
    std::vector<float> copy(out.bytes / sizeof(float));
    ASSERT_EQ(pare_model_read_output(model_, 0, copy.data(), out.bytes, &error_), PARE_OK);
    EXPECT_EQ(copy, wanted(rows));
    EXPECT_EQ(pare_model_read_output(model_, 0, copy.data(), out.bytes + 1, &error_), PARE_ERROR_ARGUMENT);
  }
}

TEST_F(CApi, TellsWhatIsWrong) {
  pare_model* none = model_;
  EXPECT_EQ(pare_model_load_file("/no/such/model.pare", nullptr, &none, &error_), PARE_ERROR_IO);
  EXPECT_NE(std::strstr(error_.message, "/no/such/model.pare"), nullptr);
  EXPECT_EQ(none, nullptr);
  const std::string half = bytes_.substr(0, bytes_.size() / 2);
  EXPECT_EQ(pare_model_load_memory(half.data(), half.size(), nullptr, &none, &error_), PARE_ERROR_MODEL);
  EXPECT_EQ(pare_model_load_memory(nullptr, 8, nullptr, &none, nullptr), PARE_ERROR_ARGUMENT);
  pare_options options = PARE_OPTIONS_INIT;
  options.threads = 1000;
  EXPECT_EQ(pare_model_load_memory(bytes_.data(), bytes_.size(), &options, &none, &error_), PARE_ERROR_ARGUMENT);
  load();
  EXPECT_EQ(run(model_, ramp(1), &error_), PARE_ERROR_ARGUMENT);
  EXPECT_NE(std::strstr(error_.message, "pare_model_set_input_shape"), nullptr);
  pare_tensor out = PARE_TENSOR_INIT;
  EXPECT_EQ(pare_model_output(model_, 0, &out, &error_), PARE_ERROR_ARGUMENT);
  shape(2);
  EXPECT_EQ(run(model_, ramp(1), &error_), PARE_ERROR_ARGUMENT);
  EXPECT_NE(std::strstr(error_.message, "expected 64 bytes"), nullptr);
  const int64_t wrong[] = {2, 9}, negative[] = {-1, 8}, vast[] = {int64_t{1} << 62, 8};
  for (const int64_t* dims : {wrong, negative})
    EXPECT_EQ(pare_model_set_input_shape(model_, 0, dims, 2, &error_), PARE_ERROR_ARGUMENT);
  EXPECT_EQ(pare_model_set_input_shape(model_, 0, vast, 2, &error_), PARE_ERROR_MODEL);
  EXPECT_EQ(pare_model_set_input_shape(model_, 0, nullptr, 2, &error_), PARE_ERROR_ARGUMENT);
  EXPECT_EQ(pare_model_run(nullptr, nullptr, nullptr, 0, &error_), PARE_ERROR_ARGUMENT);
  EXPECT_EQ(pare_model_run(model_, nullptr, nullptr, 1, &error_), PARE_ERROR_ARGUMENT);
}

TEST_F(CApi, TakesStructsOfOtherVersions) {
  pare_error small = {offsetof(pare_error, message) + 12, PARE_OK, {0}};
  std::memset(small.message, 'x', sizeof small.message);
  pare_model* none = nullptr;
  EXPECT_EQ(pare_model_load_file("/no/such/model.pare", nullptr, &none, &small), PARE_ERROR_IO);
  EXPECT_EQ(small.status, PARE_ERROR_IO);
  EXPECT_EQ(std::strlen(small.message), 11u);
  EXPECT_EQ(small.message[12], 'x');

  struct Later {
    pare_options options;
    int64_t added;
  } later = {PARE_OPTIONS_INIT, 0};
  later.options.struct_size = sizeof later;
  load(&later.options);
  later.added = 1;
  EXPECT_EQ(pare_model_load_memory(bytes_.data(), bytes_.size(), &later.options, &none, &error_), PARE_ERROR_ARGUMENT);
  EXPECT_NE(std::strstr(error_.message, "newer library"), nullptr);

  pare_value_info info = PARE_VALUE_INFO_INIT;
  info.struct_size = offsetof(pare_value_info, dims);  // an older program: knows type and name only
  info.rank = 77;
  ASSERT_EQ(pare_model_input_info(model_, 0, &info, &error_), PARE_OK);
  EXPECT_STREQ(info.name, "input");
  EXPECT_EQ(info.dims, nullptr);
  EXPECT_EQ(info.rank, 77);
  info.struct_size = 0;
  EXPECT_EQ(pare_model_input_info(model_, 0, &info, &error_), PARE_ERROR_ARGUMENT);
}

TEST_F(CApi, GivesPreprocessingAndLabels) {
  load();
  pare_preprocess p = PARE_PREPROCESS_INIT;
  ASSERT_EQ(pare_model_preprocess(model_, &p, &error_), PARE_OK);
  EXPECT_EQ(p.channels, 1);
  EXPECT_EQ(p.channels_last, 0);
  EXPECT_DOUBLE_EQ(p.scale, 1.0 / 255.0);
  ASSERT_EQ(p.mean_count, 1);
  EXPECT_EQ(p.mean[0], 0.5);
  ASSERT_EQ(p.std_count, 1);
  EXPECT_EQ(p.std[0], 0.25);
  ASSERT_EQ(pare_model_label_count(model_), 4);
  EXPECT_STREQ(pare_model_label(model_, 2), "ship");
  EXPECT_EQ(pare_model_label(model_, 4), nullptr);
  EXPECT_EQ(pare_model_label(model_, -1), nullptr);
}

TEST_F(CApi, SharesWeightsBetweenThreads) {
  pare_options options = PARE_OPTIONS_INIT;
  options.threads = 2;
  load(&options);
  constexpr int kThreads = 3, kRuns = 50;
  std::vector<std::vector<float>> got(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    pare_model* own = nullptr;
    ASSERT_EQ(pare_model_share(model_, &own, &error_), PARE_OK);
    threads.emplace_back([own, t, &got] {
      const int64_t rows = t + 1, dims[] = {rows, kWidth};
      pare_model_set_input_shape(own, 0, dims, 2, nullptr);
      for (int i = 0; i < kRuns; ++i) run(own, ramp(rows), nullptr);
      got[static_cast<size_t>(t)].resize(static_cast<size_t>(rows * kClasses));
      pare_model_read_output(own, 0, got[static_cast<size_t>(t)].data(),
                             static_cast<size_t>(rows * kClasses) * sizeof(float), nullptr);
      pare_model_free(own);
    });
  }
  pare_model_free(model_);  // those that share it keep what they need
  model_ = nullptr;
  for (auto& thread : threads) thread.join();
  for (int t = 0; t < kThreads; ++t) EXPECT_EQ(got[static_cast<size_t>(t)], wanted(t + 1)) << t;
}

}  // namespace
}  // namespace pare::test
