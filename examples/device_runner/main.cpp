// Runs a .pare file with the runtime alone.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>

#include "core/base/file.h"
#include "core/data/image.h"
#include "core/format/pare_file.h"
#include "core/runtime/executor.h"

namespace {

using namespace pare;

constexpr double kTolerance = 1e-4;  // of the largest output: sums of floats in another order

std::string top_label(const Tensor& scores, const FrozenModel& model) {
  const auto row = scores.span<float>();
  const auto best = static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
  return best < model.labels.size() ? model.labels[best] : std::to_string(best);
}

void run_image(Executor& executor, const char* path) {
  const Tensor image = preprocess_image(decode_image(MappedFile::open(path)->bytes(), path), executor.model().preprocess);
  Shape batch = image.shape();
  batch.insert(batch.begin(), 1);
  const std::vector<Tensor> outputs = executor.run({image.reshaped(batch)});
  std::printf("%s: %s\n", path, top_label(outputs[0], executor.model()).c_str());
}

/// Largest difference from the stored outputs, as a part of the largest of them.
double difference(const Tensor& got, const Tensor& wanted) {
  double largest = 0, apart = 0;
  for (int64_t i = 0; i < wanted.numel(); ++i) {
    largest = std::max(largest, std::fabs(static_cast<double>(wanted.data<float>()[i])));
    apart = std::max(apart, std::fabs(static_cast<double>(got.data<float>()[i]) - wanted.data<float>()[i]));
  }
  return largest > 0 ? apart / largest : apart;
}

int run_samples(Executor& executor) {
  int bad = 0;
  const std::vector<GoldenSample> samples = executor.model().golden;
  for (size_t i = 0; i < samples.size(); ++i) {
    const std::vector<Tensor> outputs = executor.run(samples[i].inputs);
    const double apart = difference(outputs[0], samples[i].outputs[0]);
    std::printf("sample %zu: %s, off by %.1e\n", i, top_label(outputs[0], executor.model()).c_str(), apart);
    bad += apart > kTolerance;
  }
  return bad == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: %s MODEL.pare [IMAGE]\n", argv[0]);
    return 2;
  }
  try {
    Executor executor(load_pare(argv[1]), {.threads = 2});
    if (argc == 2) return run_samples(executor);
    run_image(executor, argv[2]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 1;
  }
  return 0;
}
