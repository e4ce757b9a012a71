// Memory stays flat over many load, run, free cycles. PARE_CYCLES sets another number, such as 1000000.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "core/runtime/capi/pare_runtime.h"
#include "tests/format/small_model.h"

namespace pare::test {
namespace {

constexpr int64_t kDefaultCycles = 6000;
// Of the allocator's own making; one lost 64-byte block a cycle would be 380 KB over the default and 64 MB over 10^6.
constexpr int64_t kSlackBytes = 128 << 10;
// The sanitizer holds freed blocks back; it finds what is lost itself.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kOwnHeap = false;
#else
constexpr bool kOwnHeap = true;
#endif

int64_t resident_bytes() {
  int64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

void cycle(const std::string& bytes) {
  pare_model* model = nullptr;
  pare_error error = PARE_ERROR_INIT;
  ASSERT_EQ(pare_model_load_memory(bytes.data(), bytes.size(), nullptr, &model, &error), PARE_OK) << error.message;
  const int64_t dims[] = {2, 8};
  const float values[16] = {1, 2, 3};
  const void* data[] = {values};
  const size_t sizes[] = {sizeof values};
  ASSERT_EQ(pare_model_set_input_shape(model, 0, dims, 2, &error), PARE_OK);
  ASSERT_EQ(pare_model_run(model, data, sizes, 1, &error), PARE_OK) << error.message;
  pare_model_free(model);
  // A refusal must not cost memory either.
  ASSERT_NE(pare_model_load_memory(bytes.data(), bytes.size() - 1, nullptr, &model, &error), PARE_OK);
}

TEST(CApiCycles, MemoryStaysFlat) {
  const char* text = std::getenv("PARE_CYCLES");
  const int64_t cycles = text ? std::atoll(text) : kDefaultCycles;
  const std::string bytes = serialize_pare(small_model());
  int64_t settled = 0;
  for (int64_t i = 0; i < cycles; ++i) {
    if (i == cycles / 10) settled = resident_bytes();
    cycle(bytes);
    if (HasFatalFailure()) return;
  }
  if (!kOwnHeap) return;
  EXPECT_LE(resident_bytes() - settled, kSlackBytes) << "after " << cycles << " cycles";
}

}  // namespace
}  // namespace pare::test
