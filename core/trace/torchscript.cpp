#include "core/trace/torchscript.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/passes/normalize_ops.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <string_view>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/import/pickle.h"
#include "core/trace/recorder_impl.h"

namespace pare {
namespace {

using Tensors = std::vector<at::Tensor>;

torch::jit::Module load(const std::string& path, const std::string& where) {
  const auto file = MappedFile::open(path);  // so that a missing file is an IoError
  PARE_CHECK(is_torchscript(path), ModelError,
             "[{}] expected a file of torch.jit.save, got something else. State dicts "
             "are weights for a model of the zoo",
             where);
  try {
    torch::jit::Module module = torch::jit::load(path, at::kCPU);
    module.eval();
    return module;
  } catch (const std::exception& error) {
    throw ModelError(fmt("[{}] expected a TorchScript file that libtorch reads, got: {}", where, first_line(error)));
  }
}

std::vector<NamedTensor> named_tensors(const torch::jit::Module& module) {
  std::vector<NamedTensor> out;
  for (const auto& entry : module.named_parameters()) out.push_back({entry.name, entry.value, Role::kParameter});
  for (const auto& entry : module.named_buffers()) out.push_back({entry.name, entry.value, Role::kBuffer});
  return out;
}

c10::IValue call_forward(const torch::jit::Module& module, const Tensors& inputs, const std::string& where) {
  torch::jit::Module callable = module;
  try {
    return callable.forward({inputs.begin(), inputs.end()});
  } catch (const std::exception& error) {
    throw ModelError(fmt("[{}] expected the model to run on the examples, got: {}", where, first_line(error)));
  }
}

// Arguments behind the examples keep their defaults.
std::vector<c10::IValue> arguments_of(const torch::jit::Module& module, const c10::FunctionSchema& schema,
                                      const Tensors& inputs, const std::string& where) {
  std::vector<c10::IValue> out = {module._ivalue()};
  out.insert(out.end(), inputs.begin(), inputs.end());
  for (size_t i = out.size(); i < schema.arguments().size(); ++i) {
    const c10::Argument& argument = schema.arguments()[i];
    PARE_CHECK(argument.default_value(), ModelError, "[{}] expected {} inputs or more, got {}: \"{}\" has no default",
               where, i, inputs.size(), argument.name());
    out.push_back(*argument.default_value());
  }
  return out;
}

// The tensors of {"forward": [tensors]}, of which the file keeps types and sizes only.
std::vector<std::string> shapes_in(const pickle::Document& document) {
  std::vector<std::string> out;
  const auto* methods = document.root->as<pickle::Dict>();
  for (size_t i = 0; methods && i < methods->items.size(); ++i) {
    const auto& [key, inputs] = methods->items[i];
    const auto* method = key->as<std::string_view>();
    const auto* list = inputs->as<pickle::Sequence>();
    if (!method || *method != "forward" || !list) continue;
    for (const pickle::Value* input : list->items) {
      const auto* view = input->as<pickle::View>();
      const bool known = view && (view->storage.dtype == DType::kF32 || view->storage.dtype == DType::kI64);
      if (!known || view->sizes.empty()) return {};
      std::vector<std::string> dims;
      for (const int64_t size : view->sizes) dims.push_back(fmt("{}", size));
      out.push_back(join(dims, "x") + (view->storage.dtype == DType::kI64 ? ":i64" : ""));
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> traced_shapes(const std::string& path) {
  constexpr const char* kRecord = "traced_inputs.pkl";
  const std::string where = "torchscript " + path;
  PARE_CHECK(is_torchscript(path), ModelError, "[{}] expected a file of torch.jit.save, got something else", where);
  try {
    caffe2::serialize::PyTorchStreamReader reader(path);
    if (!reader.hasRecord(kRecord)) return {};
    const auto [data, size] = reader.getRecord(kRecord);
    return shapes_in(pickle::parse({static_cast<const std::byte*>(data.get()), size}, where));
  } catch (const c10::Error& error) {
    throw ModelError(fmt("[{}] expected a TorchScript file that libtorch reads, got: {}", where, first_line(error)));
  }
}

bool is_torchscript(const std::string& path) {
  constexpr size_t kDirectory = 4 << 20;  // the names stand at the end of the file
  constexpr std::string_view kEntry = "/constants.pkl";
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  if (bytes.size() < 4 || std::to_integer<char>(bytes[0]) != 'P' || std::to_integer<char>(bytes[1]) != 'K')
    return false;
  const auto end = bytes.last(std::min(bytes.size(), kDirectory));
  const std::string_view text(reinterpret_cast<const char*>(end.data()), end.size());
  return text.find(kEntry) != std::string_view::npos;
}

Traced import_torchscript(const std::string& path, const Tensors& examples, const TraceOptions& options,
                          const OpTable& ops, const TorchOps& torch_ops) {
  const std::string where = "torchscript " + path;
  const torch::jit::Module module = load(path, where);
  const auto method = module.find_method("forward");
  PARE_CHECK(method, ModelError, "[{}] expected a method \"forward\"", where);
  PARE_CHECK(!examples.empty(), ModelError, "[{}] expected example inputs, got none. Say their shapes", where);
  const auto graph = method->graph()->copy();
  torch::jit::Inline(*graph);
  torch::jit::NormalizeOps(graph);
  const auto named = named_tensors(module);
  TracedSource source;
  source.where = where;
  source.run = [&](const Tensors& inputs) {
    Tensors out;
    tensors_in(call_forward(module, inputs, where), out);
    return out;
  };
  source.record = [&](const Tensors& inputs) {
    const auto arguments = arguments_of(module, method->function().getSchema(), inputs, where);
    return record(*graph, arguments, inputs, named, where);
  };
  return trace_source(source, examples, options, ops, torch_ops);
}

}  // namespace pare
