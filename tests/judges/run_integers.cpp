// Runs a quantized .pare file on images: what third parties compare with the integers they compute from the ONNX file.
#include <cstdio>

#include "core/base/file.h"
#include "core/data/data_config.h"
#include "core/data/loader.h"
#include "core/format/pare_file.h"
#include "core/format/safetensors.h"
#include "core/runtime/executor.h"

namespace {

using namespace pare;

/// Test images as the model's file says, normalised: f32 [count, C, H, W].
Tensor test_images(const std::string& archive, int64_t count, const Preprocess& preprocess) {
  DataConfig config;
  config.images = archive;
  config.split = "test";
  config.limit = count;
  config.mean = preprocess.mean;
  config.std = preprocess.std;
  Loader loader(open_views(config, 0).plain, {.batch_size = count});
  loader.start(0);
  Batch batch;
  PARE_CHECK(loader.next(batch), DataError, "[judges] expected images in \"{}\", got none", archive);
  return batch.inputs;
}

/// Names of the integer activations: outputs of the QuantizeLinear nodes in graph order.
std::vector<std::string> integer_values(const Graph& graph) {
  std::vector<std::string> out;
  for (NodeId id : graph.order())
    if (graph.node(id).op == "QuantizeLinear") out.push_back(graph.value(graph.node(id).outputs[0]).name);
  return out;
}

void run_integers(const std::string& path, const std::string& archive, int64_t count, const std::string& out) {
  const FrozenModel model = load_pare(path);
  const auto names = integer_values(model.graph);
  PARE_CHECK(!names.empty(), ModelError, "[judges] expected integer activations in \"{}\", got none", path);
  const Tensor images = test_images(archive, count, model.preprocess);
  std::map<std::string, Tensor> tensors;
  tensors["input/" + model.graph.value(model.graph.inputs().at(0)).name] = images;
  for (const bool fused : {true, false}) {
    const auto values = Executor(model, {.threads = 2, .fuse_integer = fused}).run({images}, names);
    for (size_t i = 0; i < names.size(); ++i)
      tensors[(fused ? "fused/" : "unfused/") + names[i]] = values[model.graph.outputs().size() + i];
  }
  write_safetensors(out, tensors);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    PARE_CHECK(argc == 5, ConfigError, "usage: run_integers MODEL.pare IMAGES COUNT OUT.safetensors");
    run_integers(argv[1], argv[2], std::stoll(argv[3]), argv[4]);
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.exit_code();
  }
}
