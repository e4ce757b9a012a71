#include <map>
#include <string>

#include "core/runtime/executor.h"
#include "tests/fuzz/targets.h"

namespace pare::fuzz {
namespace {

constexpr int64_t kFreeDim = 2;                // what symbols of the inputs become
constexpr int64_t kMostElements = 1 << 16;     // of one input
constexpr int64_t kMostMacs = 10'000'000;      // a run that is only long is no finding
constexpr int64_t kMemory = int64_t{4} << 20;  // decoding takes several times the bytes of a constant for a while

Tensor input_of(const Value& value) {
  std::map<std::string, int64_t> bindings;
  for (const Dim& dim : *value.shape)
    for (const std::string& symbol : dim.symbols()) bindings[symbol] = kFreeDim;
  const Shape shape = evaluate(*value.shape, bindings);
  PARE_CHECK(numel_of(shape) <= kMostElements, ModelError, "[fuzz] expected a small input, got {}", shape);
  Tensor ramp(DType::kF32, shape);
  for (int64_t i = 0; i < ramp.numel(); ++i) ramp.mutable_data<float>()[i] = static_cast<float>(i % 5);
  return ramp.to(value.dtype);
}

}  // namespace

void run_model(FrozenModel model) {
  ExecutorOptions options;
  options.memory_limit = kMemory;
  Executor executor(std::move(model), options);
  const Graph& graph = executor.model().graph;
  std::vector<Tensor> inputs;
  std::vector<Shape> shapes;
  for (ValueId id : graph.inputs()) {
    PARE_CHECK(graph.value(id).shape, ModelError, "[fuzz] expected a shape for each input");
    inputs.push_back(input_of(graph.value(id)));
    shapes.push_back(inputs.back().shape());
  }
  int64_t macs = 0;
  for (const KernelRow& row : executor.kernels(shapes)) {
    // Hostile counts may be anything; what is far too many stays so.
    if (row.macs < 0 || row.macs > kMostMacs || (macs += row.macs) > kMostMacs) return;
  }
  executor.run(inputs);
}

}  // namespace pare::fuzz
