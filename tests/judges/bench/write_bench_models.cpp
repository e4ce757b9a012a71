// write_bench_models FOLDER NAME [SIZE]: a zoo model in float and, where it reads images, in int8, each as .pare and .onnx,
// for bench_onnxruntime.py. SIZE: height and width of the image.
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "core/format/pare_file.h"
#include "export/exporter.h"
#include "tests/judges/bench/quantized_zoo.h"

namespace {

using namespace pare;

void write_both(const std::string& path, const FrozenModel& model) {
  save_pare(path + ".pare", model);
  export_onnx(model, path + ".onnx");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    PARE_CHECK(argc == 3 || argc == 4, ConfigError, "usage: write_bench_models FOLDER NAME [SIZE]");
    const std::string path = fmt("{}/{}", argv[1], argv[2]);
    std::filesystem::create_directories(argv[1]);
    const FrozenModel model = test::deployed_model(argv[2], argc == 4 ? std::atoi(argv[3]) : 0);
    write_both(path + "-fp32", model);
    if (test::reads_images(model)) write_both(path + "-int8", test::quantized_model(model));
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.exit_code();
  }
}
