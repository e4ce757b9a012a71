// Writes models with inputs and our executor's outputs, for the third-party readers of check_onnx.py.
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "core/base/file.h"
#include "core/format/pare_file.h"
#include "core/format/safetensors.h"
#include "core/runtime/executor.h"
#include "core/zoo/zoo.h"
#include "export/exporter.h"
#include "tests/export/qdq_model.h"
#include "tests/format/small_model.h"
#include "tests/judges/operator_models.h"

namespace {

using namespace pare;

// Repeatable values in [-1, 1], or small token ids.
Tensor values_for(const Value& input, int64_t batch, uint64_t seed) {
  Shape shape;
  for (const Dim& dim : *input.shape) shape.push_back(dim.maybe_value().value_or(batch));
  Tensor out(DType::kF32, shape);
  for (int64_t i = 0; i < out.numel(); ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    out.mutable_data<float>()[i] = static_cast<float>(seed >> 40) / 8388608.0f - 1.0f;
  }
  if (input.dtype == DType::kF32) return out;
  Tensor ids(DType::kI64, shape);
  for (int64_t i = 0; i < out.numel(); ++i) ids.mutable_data<int64_t>()[i] = out.data<float>()[i] > 0 ? 1 : 0;
  return ids.to(input.dtype);
}

void write_case(const std::string& folder, const std::string& name, const FrozenModel& model, int64_t opset,
                int64_t batch) {
  export_onnx(model, folder + "/" + name + ".onnx", opset);
  std::vector<Tensor> inputs;
  std::map<std::string, Tensor> tensors;
  for (ValueId id : model.graph.inputs()) {
    const Value& value = model.graph.value(id);
    inputs.push_back(values_for(value, batch, inputs.size() + 11));
    tensors["input/" + value.name] = inputs.back();
  }
  for (const bool fused : {true, false}) {
    const auto outputs = Executor(model, {.threads = 2, .fuse_integer = fused}).run(inputs);
    for (size_t i = 0; i < outputs.size(); ++i)
      tensors[(fused ? "fused/" : "unfused/") + model.graph.value(model.graph.outputs()[i]).name] = outputs[i];
  }
  write_safetensors(folder + "/" + name + ".safetensors", tensors);
}

void write_all(const std::string& folder) {
  for (const char* name : {"mlp", "lenet5", "resnet20", "mobilenet_v2"})
    write_case(folder, fmt("zoo_{}", name), test::float_model(zoo(name, {.image_size = name[1] == 'o' ? 32 : 0})), 17,
               2);
  const FrozenModel quantized = test::qdq_model();
  for (int64_t opset : {13, 17, 21}) write_case(folder, fmt("qdq_opset{}", opset), quantized, opset, 16);
  for (int64_t opset = kMinOnnxOpset; opset <= kMaxOnnxOpset; ++opset) {
    for (const auto& [name, model] : test::operator_models(opset))
      write_case(folder, fmt("op_{}_opset{}", name, opset), model, opset, 2);
  }
  save_pare(folder + "/small.pare", test::small_model());
  std::map<std::string, Tensor> decoded = decode_constants(test::small_model()).map();
  write_safetensors(folder + "/small_decoded.safetensors", decoded);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    PARE_CHECK(argc == 2, ConfigError, "usage: write_models FOLDER");
    std::filesystem::create_directories(argv[1]);
    write_all(argv[1]);
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.exit_code();
  }
}
