// Imports ONNX files and runs them on given inputs: all cases of a folder in one process.
//
//   run_backend --operators     prints the operators that the importer has rules for
//   run_backend FOLDER          for each NAME.onnx and its inputs NAME.safetensors (tensors by input name) writes the
//   outputs
//                               NAME.result ("0", "1", ... in the model's order), or prints NAME, a tab and the refusal
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "core/format/safetensors.h"
#include "core/import/onnx_import.h"
#include "core/runtime/executor.h"

namespace {

using namespace pare;

void run_case(const std::filesystem::path& model_file, const OpTable& ops) {
  std::filesystem::path file = model_file;
  const SafetensorsFile given = read_safetensors(file.replace_extension(".safetensors").string());
  FrozenModel model = import_onnx(model_file.string(), ops);
  std::vector<Tensor> inputs;
  for (ValueId id : model.graph.inputs()) {
    const auto found = given.tensors.find(model.graph.value(id).name);
    PARE_CHECK(found != given.tensors.end(), DataError, "[judges] no input \"{}\"", model.graph.value(id).name);
    inputs.push_back(found->second);
  }
  const auto outputs = Executor(std::move(model), {}, ops).run(inputs);
  std::map<std::string, Tensor> results;
  for (size_t i = 0; i < outputs.size(); ++i) results[std::to_string(i)] = outputs[i];
  write_safetensors(file.replace_extension(".result").string(), results);
}

void run_all(const std::string& folder) {
  std::vector<std::filesystem::path> models;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".onnx") models.push_back(entry.path());
  std::sort(models.begin(), models.end());
  const OpTable ops = builtin_ops();
  for (const auto& model : models) {
    try {
      run_case(model, ops);
    } catch (const Error& error) {
      std::printf("%s\t%d\t%s\n", model.stem().c_str(), error.exit_code(), error.what());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    PARE_CHECK(argc == 2, ConfigError, "usage: run_backend --operators | FOLDER");
    if (std::string(argv[1]) != "--operators") {
      run_all(argv[1]);
      return 0;
    }
    for (const auto& name : onnx_operators()) std::printf("%s\n", name.c_str());
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.exit_code();
  }
}
