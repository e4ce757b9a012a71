// Runs a .pare file through the C++ wrapper of the C interface.
#include <algorithm>
#include <cstdio>
#include <pare_runtime.hpp>

namespace {

void run(const char* path) {
  pare_runtime::Options options;
  options.threads = 2;
  auto model = pare_runtime::Model::from_file(path, options);
  const pare_runtime::Value input = model.inputs().at(0);
  std::vector<int64_t> shape = input.dims;
  std::replace(shape.begin(), shape.end(), int64_t{-1}, int64_t{1});
  model.set_input_shape(0, shape);

  std::printf("input %s: %s", input.name.c_str(), pare_dtype_name(input.dtype));
  size_t count = 1;
  for (const int64_t dim : shape) {
    std::printf(" %lld", static_cast<long long>(dim));
    count *= static_cast<size_t>(dim);
  }
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i % 17) / 17.0f;
  model.run({{values.data(), count * sizeof(float)}});

  const pare_runtime::Output output = model.output(0);
  std::printf("\noutput:");
  for (size_t i = 0; i < output.bytes / sizeof(float); ++i) std::printf(" %.6g", static_cast<double>(output.as<float>()[i]));
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s MODEL.pare\n", argv[0]);
    return 2;
  }
  try {
    run(argv[1]);
  } catch (const pare_runtime::Error& error) {
    std::fprintf(stderr, "error %d: %s\n", static_cast<int>(error.status()), error.what());
    return 1;
  }
  return 0;
}
