#include "core/job/model_source.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/import/model_file.h"
#include "core/import/weights.h"
#include "core/job/journal.h"
#include "core/model/checkpoint.h"
#include "core/model/freeze.h"
#include "core/trace/example_inputs.h"
#include "core/trace/torchscript.h"
#include "core/zoo/zoo.h"

namespace pare {
namespace {

std::unique_ptr<Model> own(Model model) { return std::make_unique<Model>(std::move(model)); }

LoadedModel from_frozen(const FrozenModel& frozen, const Registry& registry) {
  LoadedModel out;
  out.model = own(thaw(frozen, registry.ops, registry.torch_ops));
  out.preprocess = frozen.preprocess;
  out.has_preprocess = !frozen.preprocess.mean.empty();
  out.labels = frozen.labels;
  return out;
}

LoadedModel from_checkpoint(const std::string& path, const Registry& registry) {
  Checkpoint checkpoint = load_checkpoint(path, registry.ops, registry.torch_ops);
  LoadedModel out;
  out.model = own(std::move(checkpoint.model));
  const Json& about = checkpoint.extras.json;
  if (about.contains("preprocess")) {
    read_config(config_node_from_json(about["preprocess"]), path + ": preprocess", out.preprocess);
    out.has_preprocess = true;
  }
  if (about.contains("labels")) read_config(config_node_from_json(about["labels"]), path + ": labels", out.labels);
  return out;
}

LoadedModel from_zoo(const ModelConfig& config, const Registry& registry) {
  ZooOptions options;
  options.classes = config.classes;
  options.channels = config.channels;
  options.image_size = config.image_size;
  options.seed = config.seed;
  options.initialise = config.weights.empty();
  GraphWithConstants built = zoo(config.zoo, options);
  LoadedModel out;
  out.model = std::make_unique<Model>(std::move(built.graph), built.constants, registry.ops, registry.torch_ops);
  out.key = hex64(xxh64(config_to_json(config).dump()));
  return out;
}

void load_weights_into(Model& model, const std::string& path) {
  const ConstantStore store = load_weights(path);
  try {
    model.load_constants(store);
  } catch (const ModelError& e) {
    throw ModelError(fmt("{} (weights \"{}\")", e.what(), path));
  }
}

}  // namespace

LoadedModel load_model_file(const std::string& path, const Registry& registry) {
  const std::string key = file_key(path);
  LoadedModel out;
  const bool checkpoint = !is_foreign_model(path) && is_checkpoint(path);
  out = checkpoint ? from_checkpoint(path, registry) : from_frozen(read_model_file(path, registry.ops), registry);
  out.key = key;
  return out;
}

LoadedModel load_model(const ModelConfig& config, const Registry& registry) {
  LoadedModel out;
  if (!config.zoo.empty()) {
    out = from_zoo(config, registry);
  } else if (!config.torchscript.empty()) {
    const auto shapes = config.input.empty() ? traced_shapes(config.torchscript) : config.input;
    const Traced traced = import_torchscript(config.torchscript, example_inputs(shapes), {}, registry.ops, registry.torch_ops);
    out = from_frozen(traced.frozen, registry);
    out.key = hex64(xxh64(file_key(config.torchscript) + join(shapes, " ")));
  } else {
    const auto named = [](const std::string* path) { return !path->empty(); };
    const auto paths = {&config.pare, &config.onnx, &config.pt2, &config.checkpoint};
    out = load_model_file(**std::find_if(paths.begin(), paths.end(), named), registry);
  }
  if (!config.weights.empty()) {
    load_weights_into(*out.model, config.weights);
    out.key = hex64(xxh64(out.key + file_key(config.weights)));
  }
  return out;
}

int64_t output_classes(const Graph& graph) {
  if (graph.outputs().empty()) return 0;
  const Value& value = graph.value(graph.outputs()[0]);
  if (!value.shape || value.shape->empty()) return 0;
  return value.shape->back().maybe_value().value_or(0);
}

}  // namespace pare
