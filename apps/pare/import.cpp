#include <ATen/Parallel.h>

#include <cmath>
#include <cstdio>
#include <filesystem>

#include "apps/builtin/builtin.h"
#include "apps/pare/command.h"
#include "apps/pare/model_json.h"
#include "core/format/pare_file.h"
#include "core/graph/stats.h"
#include "core/import/model_file.h"
#include "core/import/weights.h"
#include "core/job/version.h"
#include "core/model/freeze.h"
#include "core/model/tensor_bridge.h"
#include "core/runtime/executor.h"
#include "core/trace/example_inputs.h"
#include "core/trace/torchscript.h"
#include "core/zoo/zoo.h"

namespace pare {
namespace {

struct ImportArguments {
  std::string file, output, zoo;
  ZooOptions zoo_options;
  std::vector<std::string> input;
};

/// A model and what was compared with what.
struct Imported {
  FrozenModel model;
  std::string kind, compared;
  double largest_difference = 0;
  bool source_was_run = false;
};

Imported import_script(const ImportArguments& arguments, const Registry& registry) {
  const auto shapes = arguments.input.empty() ? traced_shapes(arguments.file) : arguments.input;
  PARE_CHECK(!shapes.empty(), ConfigError,
             "[import] expected the shapes of the inputs, which this file does not hold, got none. Give e.g. --input "
             "1x3x224x224");
  Traced traced =
      import_torchscript(arguments.file, example_inputs(shapes), {}, registry.ops, registry.torch_ops);
  Imported out{std::move(traced.frozen), "torchscript"};
  out.compared = "the file run by libtorch, and the graph, on the same random inputs";
  out.largest_difference = traced.largest_difference;
  out.source_was_run = true;
  return out;
}

Imported import_weights(const ImportArguments& arguments, const Registry& registry) {
  ZooOptions options = arguments.zoo_options;
  options.initialise = false;
  GraphWithConstants built = zoo(arguments.zoo, options);
  Model model(std::move(built.graph), built.constants, registry.ops, registry.torch_ops);
  model.load_constants(load_weights(arguments.file));
  Imported out;
  out.kind = "weights of " + arguments.zoo;
  out.model.graph = model.graph();
  const ConstantStore constants = model.constants();
  for (const Param& param : model.params())
    out.model.constants.emplace(param.name, encode_raw(constants.get(param.name).clone()));
  return out;
}

/// Shapes of the graph's inputs with a batch of 2, as `example_inputs` reads them; empty when it has no such type.
std::vector<std::string> shapes_of(const Graph& graph) {
  std::vector<std::string> out;
  auto bindings = bindings_of(graph);
  for (auto& [symbol, size] : bindings) size = 2;
  for (const ValueId id : graph.inputs()) {
    const Value& value = graph.value(id);
    if (value.dtype != DType::kF32 && value.dtype != DType::kI64) return {};
    std::vector<std::string> dims;
    for (const int64_t dim : evaluate(*value.shape, bindings)) dims.push_back(fmt("{}", dim));
    out.push_back(join(dims, "x") + (value.dtype == DType::kI64 ? ":i64" : ""));
  }
  return out;
}

/// Nothing here runs the source: the graph itself, run by the executor and by libtorch, is all that can be compared.
void compare_runners(Imported& in, const Registry& registry) {
  const std::vector<std::string> shapes = shapes_of(in.model.graph);
  if (shapes.empty()) {
    in.compared = "nothing: nothing here runs the source";
    return;
  }
  const std::vector<at::Tensor> inputs = example_inputs(shapes);
  std::vector<Tensor> lent;
  for (const at::Tensor& input : inputs) lent.push_back(lend(input));
  const std::vector<Tensor> a = Executor(in.model, {}, registry.ops).run(lent);
  const std::vector<at::Tensor> b = thaw(in.model, registry.ops, registry.torch_ops).forward(inputs);
  for (size_t i = 0; i < a.size(); ++i) {
    const auto x = a[i].to_doubles(), y = lend(b.at(i)).to_doubles();
    PARE_CHECK(x.size() == y.size(), ModelError, "[import] expected output {} of {} elements, got {}", i, y.size(),
               x.size());
    for (size_t k = 0; k < x.size(); ++k)
      in.largest_difference = std::max(in.largest_difference, std::abs(x[k] - y[k]));
  }
  in.compared =
      "the graph run by the executor and by libtorch, on the same random inputs; nothing here runs the source itself";
}

Imported import_any(const ImportArguments& arguments, const Registry& registry) {
  const std::string& file = arguments.file;
  if (!std::filesystem::exists(file)) throw IoError(fmt("[import] expected a file, got \"{}\"", file));
  Imported out;
  if (!arguments.zoo.empty()) {
    out = import_weights(arguments, registry);
  } else if (is_foreign_model(file)) {
    out = {read_model_file(file, registry.ops), name_of(model_file_kind(file))};
  } else {
    PARE_CHECK(is_torchscript(file), ModelError,
               "[import] expected .onnx, .pt2 or TorchScript, got \"{}\". Weights need the model that they are for: "
               "--zoo NAME",
               file);
    return import_script(arguments, registry);
  }
  PARE_CHECK(arguments.input.empty(), ConfigError,
             "[import] expected --input with TorchScript only: this file says its shapes");
  infer_shapes(out.model.graph, decode_constants(out.model), registry.ops);
  compare_runners(out, registry);
  return out;
}

Json import_json(const Imported& in, const Registry& registry) {
  const Graph& graph = in.model.graph;
  const GraphStats stats = graph_stats(graph, registry.ops, bindings_of(graph));
  std::map<std::string, int64_t> operators;
  for (const NodeId id : graph.order()) ++operators[graph.node(id).op];
  Json model = {{"kind", in.kind},
                {"nodes", graph.order().size()},
                {"operators", operators},
                {"params", stats.params},
                {"macs", stats.macs}};
  model["inputs"] = model["outputs"] = Json::array();
  for (const ValueId id : graph.inputs()) model["inputs"].push_back(value_json(graph, id));
  for (const ValueId id : graph.outputs()) model["outputs"].push_back(value_json(graph, id));
  return {{"model", model},
          {"comparison",
           {{"source_was_run", in.source_was_run},
            {"compared", in.compared},
            {"largest_difference", in.largest_difference}}}};
}

void print_import(const Json& out) {
  const Json& model = out["model"];
  for (const char* key : {"kind", "nodes", "params", "macs"})
    std::printf("%-20s %s\n", key, cell_text(model[key]).c_str());
  for (const char* key : {"inputs", "outputs"})
    for (const Json& row : model[key])
      std::printf("%-20s %s %s %s\n", key, cell_text(row["name"]).c_str(), cell_text(row["dtype"]).c_str(),
                  cell_text(row["shape"]).c_str());
  std::vector<std::string> operators;
  for (const auto& [op, count] : model["operators"].items())
    operators.push_back(fmt("{} {}", count.get<int64_t>(), op));
  std::printf("%-20s %s\n", "operators", join(operators, ", ").c_str());
  std::printf("%-20s %.3g\n", "largest difference", out["comparison"]["largest_difference"].get<double>());
  std::printf("%-20s %s\n", "compared", cell_text(out["comparison"]["compared"]).c_str());
  if (out.contains("output")) std::printf("%-20s %s\n", "written", cell_text(out["output"]).c_str());
}

int import_model(const ImportArguments& arguments, const CommonOptions& common) {
  const Registry registry = builtin();
  at::set_num_threads(common.thread_count());
  Imported in = import_any(arguments, registry);
  Json out = import_json(in, registry);
  if (!arguments.output.empty()) {
    in.model.metadata = {{"pare_version", kVersion},
                         {"source", std::filesystem::path(arguments.file).filename().string()}};
    save_pare(arguments.output, in.model);
    out["output"] = arguments.output;
  }
  if (common.json)
    print_json(out);
  else
    print_import(out);
  return 0;
}

}  // namespace

void add_import(CLI::App& program, const CommonOptions& common, Command& command) {
  auto arguments = std::make_shared<ImportArguments>();
  CLI::App* verb = program.add_subcommand(
      "import", "a model of another program as a .pare file, run beside its source where that can be run");
  verb->add_option("file", arguments->file, ".onnx, .pt2 or TorchScript file, or weights with --zoo")->required();
  verb->add_option("-o,--output", arguments->output, ".pare file to write; without it the file is only checked");
  verb->add_option("--input", arguments->input,
                   "of TorchScript that was not traced, one for each input: 1x3x224x224, or 1x128:i64 for integers");
  verb->add_option("--zoo", arguments->zoo, "built-in model that the file holds weights of (safetensors or .pth)");
  verb->add_option("--classes", arguments->zoo_options.classes, "outputs of that model")->check(CLI::Range(1, 1 << 20));
  verb->add_option("--image-size", arguments->zoo_options.image_size, "of that model")->check(CLI::Range(1, 1024));
  verb->callback(
      [&common, &command, arguments] { command = [&common, arguments] { return import_model(*arguments, common); }; });
}

}  // namespace pare
