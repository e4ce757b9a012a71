// pare-bench kernels [TEXT]: every kernel of the table on real layer shapes, interleaved, against the first (reference) one.
// pare-bench models A.pare [B.pare ...]: whole models on one random image, interleaved, against the first one.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>

#include "apps/bench/interleave.h"
#include "apps/bench/kernel_cases.h"
#include "core/base/rng.h"
#include "core/format/pare_file.h"
#include "core/runtime/executor.h"
#include "core/runtime/kernel.h"

namespace pare::bench {
namespace {

constexpr int kRounds = 15;
constexpr double kSeconds = 1.0;
// Float kernels may sum in another order than the reference; integer ones may not differ at all.
constexpr double kFloatError = 1e-4;

void print(const std::vector<Timing>& timings, int64_t macs) {
  for (const Timing& t : timings) {
    std::printf("  %-28s %10.3f ms %8.2f GMAC/s   %.2fx (%.2f-%.2f)\n", t.name.c_str(), t.median_ms,
                static_cast<double>(macs) / t.median_ms / 1e6, t.ratio, t.ratio_p10, t.ratio_p90);
  }
}

int64_t macs_of(Executor& executor, const std::vector<Shape>& shapes) {
  int64_t macs = 0;
  for (const KernelRow& row : executor.kernels(shapes)) macs += row.macs;
  return macs;
}

// The whole table with one kernel and the reference left for the operator.
KernelTable only(const KernelTable& all, const Kernel& kernel) {
  KernelTable table;
  for (const auto& [op, kernels] : all.map()) {
    for (const Kernel& other : kernels) {
      if (op != kernel.op || &other == &kernels.front() || other.name == kernel.name) table.add(other);
    }
  }
  return table;
}

bool runs(Executor& executor, const KernelCase& c, const std::string& kernel) {
  const std::vector<KernelRow> rows = executor.kernels({c.input.shape()});
  return std::any_of(rows.begin(), rows.end(), [&](const KernelRow& row) { return row.kernel == kernel; });
}

void check_equal(const Tensor& want, const Tensor& got, const std::string& name, bool exact) {
  PARE_CHECK(!exact || same_bytes(want, got), VerifyError, "[bench] expected {} to equal the reference to the bit", name);
  const std::vector<double> a = want.to_doubles(), b = got.to_doubles();
  for (size_t i = 0; i < a.size(); ++i) {
    PARE_CHECK(std::abs(a[i] - b[i]) <= kFloatError * (1.0 + std::abs(a[i])), VerifyError, "[bench] expected {} from {}, got {}", a[i], name, b[i]);
  }
}

void run_case(const KernelCase& c) {
  const KernelTable all = builtin_kernels();
  std::vector<std::shared_ptr<Executor>> executors;
  std::vector<Contestant> contestants;
  Tensor want;
  for (const Kernel& kernel : all.map().at(c.op)) {
    auto executor = std::make_shared<Executor>(c.model, ExecutorOptions{}, builtin_ops(), only(all, kernel));
    if (!runs(*executor, c, kernel.name)) continue;   // another shape, or another CPU
    const Tensor got = executor->run({c.input})[0];
    if (!want.defined()) want = got;
    check_equal(want, got, kernel.name, c.op != "Conv" && c.op != "Gemm");
    executors.push_back(executor);
    contestants.push_back({kernel.name, [executor, input = c.input] { executor->run({input}); }});
  }
  std::printf("%s\n", c.name.c_str());
  print(interleave(contestants, kRounds, kSeconds), macs_of(*executors[0], {c.input.shape()}));
}

void run_models(const std::vector<std::string>& files) {
  std::vector<std::shared_ptr<Executor>> executors;
  std::vector<Contestant> contestants;
  for (const std::string& file : files) {
    auto executor = std::make_shared<Executor>(load_pare(file));
    std::vector<Tensor> inputs;
    const Graph& graph = executor->model().graph;
    for (ValueId id : graph.inputs()) {
      const Value& value = graph.value(id);
      std::map<std::string, int64_t> ones;
      for (const Dim& dim : *value.shape) {
        for (const std::string& symbol : dim.symbols()) ones[symbol] = 1;
      }
      Tensor input(DType::kF32, evaluate(*value.shape, ones));
      Rng rng(1);
      for (int64_t i = 0; i < input.numel(); ++i) input.mutable_data<float>()[i] = static_cast<float>(rng.uniform() * 2.0 - 1.0);
      inputs.push_back(input.to(value.dtype));
    }
    std::vector<Shape> shapes;
    for (const Tensor& input : inputs) shapes.push_back(input.shape());
    std::printf("%s: %s MACs\n", file.c_str(), with_commas(macs_of(*executor, shapes)).c_str());
    executors.push_back(executor);
    contestants.push_back({file, [executor, inputs] { executor->run(inputs); }});
  }
  for (const Timing& t : interleave(contestants, kRounds, kSeconds)) {
    std::printf("  %-40s %10.3f ms   %.2fx (%.2f-%.2f)\n", t.name.c_str(), t.median_ms, t.ratio, t.ratio_p10, t.ratio_p90);
  }
}

void run(const std::vector<std::string>& args) {
  const std::string mode = args.empty() ? "" : args[0];
  PARE_CHECK(mode == "kernels" || (mode == "models" && args.size() > 1), ConfigError,
             "[arguments] expected `kernels [TEXT]` or `models A.pare [B.pare ...]`, got \"{}\"", mode);
  if (mode == "models") return run_models({args.begin() + 1, args.end()});
  for (const KernelCase& c : kernel_cases()) {
    if (args.size() < 2 || c.name.find(args[1]) != std::string::npos) run_case(c);
  }
}

}  // namespace
}  // namespace pare::bench

int main(int argc, char** argv) {
  try {
    pare::bench::run({argv + 1, argv + argc});
    return 0;
  } catch (const pare::Error& error) {
    std::cerr << error.kind() << ": " << error.what() << "\n";
    return error.exit_code();
  }
}
