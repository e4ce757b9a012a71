// One libFuzzer program a target; PARE_FUZZ_TARGET is its index.
#include <cstdint>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pare::fuzz::run(pare::fuzz::targets().at(PARE_FUZZ_TARGET), {reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
