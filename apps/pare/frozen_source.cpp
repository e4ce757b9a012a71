#include "apps/pare/frozen_source.h"

#include <filesystem>

#include "core/base/rng.h"
#include "core/format/pare_file.h"
#include "core/import/model_file.h"
#include "core/job/model_source.h"
#include "core/model/checkpoint.h"
#include "core/model/freeze.h"
#include "core/runtime/executor.h"

namespace pare {
namespace fs = std::filesystem;
namespace {

constexpr int kRandomSamples = 4;

/// Standard normal inputs of batch 1: what a normalised image looks like from afar.
std::vector<Tensor> random_inputs(const Graph& graph, Rng rng) {
  std::vector<Tensor> out;
  for (const ValueId id : graph.inputs()) {
    const Value& value = graph.value(id);
    PARE_CHECK(value.shape && value.dtype == DType::kF32, ModelError,
               "[verify] expected golden samples in the file, got none, and input \"{}\" is not float of a known shape", value.name);
    std::map<std::string, int64_t> ones;
    for (const Dim& dim : *value.shape)
      for (const auto& symbol : dim.symbols()) ones[symbol] = 1;
    Tensor tensor(DType::kF32, evaluate(*value.shape, ones));
    float* data = tensor.mutable_data<float>();
    for (int64_t i = 0; i < tensor.numel(); ++i) data[i] = static_cast<float>(rng.normal());
    out.push_back(std::move(tensor));
  }
  return out;
}

FrozenModel from_checkpoint(const std::string& path, const Registry& registry) {
  const LoadedModel loaded = load_model_file(path, registry);
  std::vector<std::vector<Tensor>> samples;
  for (int i = 0; i < kRandomSamples; ++i) samples.push_back(random_inputs(loaded.model->graph(), Rng(0).fork(static_cast<uint64_t>(i))));
  FreezeOptions options;
  options.preprocess = loaded.preprocess;
  options.labels = loaded.labels;
  options.metadata = {{"pare_version", kVersion}};
  return freeze(*loaded.model, samples, options);
}

void add_random_golden(FrozenModel& model, const OpTable& ops) {
  Executor executor(model, {.fuse_integer = false}, ops);
  for (int i = 0; i < kRandomSamples; ++i) {
    GoldenSample sample;
    sample.inputs = random_inputs(model.graph, Rng(0).fork(static_cast<uint64_t>(i)));
    sample.outputs = executor.run(sample.inputs);
    model.golden.push_back(std::move(sample));
  }
}

}  // namespace

FrozenModel open_frozen(const std::string& path, const Registry& registry) {
  const bool foreign = is_foreign_model(path);
  if (!foreign && is_checkpoint(path)) return from_checkpoint(path, registry);
  FrozenModel model = read_model_file(path, registry.ops);
  const fs::path beside = fs::path(path).parent_path() / "golden.safetensors";
  if (!foreign && fs::exists(beside))
    for (GoldenSample& sample : load_golden(beside.string())) model.golden.push_back(std::move(sample));
  if (model.golden.empty()) add_random_golden(model, registry.ops);
  return model;
}

}  // namespace pare
