#include <cstdio>
#include <filesystem>

#include "apps/pare/command.h"
#include "apps/pare/model_json.h"
#include "apps/pare/table.h"
#include "core/format/encoding_json.h"
#include "core/format/pare_file.h"
#include "core/graph/stats.h"
#include "core/graph/ties.h"
#include "core/import/model_file.h"
#include "core/model/checkpoint.h"
#include "core/runtime/executor.h"
#include "core/zoo/zoo.h"

namespace pare {
namespace {

struct InspectArguments {
  std::string model;
  bool layers = false, groups = false, kernels = false;
};

/// A model of any origin, as far as looking at it needs.
struct Inspected {
  GraphWithConstants model;
  FrozenModel frozen;       ///< of .pare, .onnx and .pt2 files
  bool is_frozen = false;
  std::string kind;
  int64_t file_bytes = 0;
};

Inspected open_model(const std::string& name, const OpTable& ops) {
  Inspected out;
  std::vector<std::string> names;
  for (const ZooEntry& entry : zoo_models()) names.push_back(entry.name);
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    out.model = zoo(name, {.initialise = false});
    out.kind = "zoo";
    return out;
  }
  if (!std::filesystem::exists(name)) throw IoError(fmt("[inspect] expected a model file or a zoo name, got \"{}\".{}", name, did_you_mean(name, names)));
  out.file_bytes = static_cast<int64_t>(std::filesystem::file_size(name));
  if (!is_foreign_model(name) && is_checkpoint(name)) {
    const Checkpoint checkpoint = load_checkpoint(name);
    out.model = {checkpoint.model.graph(), checkpoint.model.constants()};
    out.kind = "checkpoint";
  } else {
    out.frozen = read_model_file(name, ops);
    out.is_frozen = true;
    out.model = {out.frozen.graph, decode_constants(out.frozen)};
    out.kind = name_of(model_file_kind(name));
  }
  infer_shapes(out.model.graph, out.model.constants, ops);
  return out;
}

Json summary_json(const Inspected& in, const GraphStats& stats) {
  const Graph& graph = in.model.graph;
  Json out = {{"kind", in.kind}, {"name", graph.name}, {"nodes", graph.order().size()}, {"params", stats.params}, {"macs", stats.macs},
              {"constant_bytes", stats.constant_bytes}, {"peak_activation_bytes", stats.peak_activation_bytes}};
  if (in.file_bytes) out["file_bytes"] = in.file_bytes;
  out["inputs"] = out["outputs"] = Json::array();
  for (const ValueId id : graph.inputs()) out["inputs"].push_back(value_json(graph, id));
  for (const ValueId id : graph.outputs()) out["outputs"].push_back(value_json(graph, id));
  if (!in.is_frozen) return out;
  out["stripped_bytes"] = serialize_pare(stripped(in.frozen)).size();
  out["golden_samples"] = in.frozen.golden.size();
  out["preprocess"] = config_to_json(in.frozen.preprocess);
  out["labels"] = in.frozen.labels;
  return out;
}

Json layers_json(const Inspected& in, const GraphStats& stats) {
  Json out = Json::array();
  for (const NodeStats& row : stats.nodes) {
    const Node& node = in.model.graph.node(row.node);
    Json entry = {{"name", row.name}, {"op", row.op}, {"params", row.params}, {"macs", row.macs}, {"output", value_json(in.model.graph, node.outputs[0])["shape"]}};
    for (const ValueId id : node.inputs) {
      if (id == kNoValue || !in.is_frozen) continue;
      const auto found = in.frozen.constants.find(in.model.graph.value(id).name);
      if (found == in.frozen.constants.end()) continue;
      entry["stored"][found->first] = {{"encoding", encoding_to_json(found->second.encoding)}, {"bytes", found->second.nbytes()}};
    }
    out.push_back(std::move(entry));
  }
  return out;
}

Json groups_json(const Inspected& in, const OpTable& ops) {
  const DimGroups groups = analyse(in.model.graph, in.model.constants, ops);
  Json out = {{"groups", Json::array()}, {"frozen", Json::array()}};
  for (const DimGroup& group : groups.groups) {
    Json operands = Json::array();
    for (const TieOperand& operand : group.operands)
      operands.push_back({{"param", operand.param}, {"dim", operand.dim}, {"role", name_of(operand.role)}});
    out["groups"].push_back({{"name", group.name}, {"units", group.units.size()}, {"exactness", name_of(group.exactness)},
                             {"reason", group.reason}, {"operands", operands}});
  }
  for (const FrozenAxis& axis : groups.frozen)
    out["frozen"].push_back({{"param", axis.param}, {"dim", axis.dim}, {"cells", axis.cells}, {"reason", axis.reason}});
  return out;
}

Json kernels_json(const Inspected& in, const OpTable& ops) {
  PARE_CHECK(in.is_frozen, ConfigError, "[inspect] expected a .pare, .onnx or .pt2 file for --kernels, got a {}", in.kind);
  std::vector<Shape> shapes;
  for (const ValueId id : in.model.graph.inputs()) shapes.push_back(evaluate(*in.model.graph.value(id).shape, bindings_of(in.model.graph)));
  Executor executor(in.frozen, {}, ops);
  Json out = Json::array();
  for (const KernelRow& row : executor.kernels(shapes))
    out.push_back({{"node", row.node}, {"op", row.op}, {"kernel", row.kernel}, {"isa", row.isa}, {"macs", row.macs}, {"bytes", row.bytes}});
  return out;
}

std::string json_table(const Json& rows, const std::vector<std::string>& columns) {
  std::vector<std::vector<std::string>> cells;
  for (const Json& row : rows) {
    cells.emplace_back();
    for (const auto& column : columns) cells.back().push_back(cell_text(row.value(column, Json(""))));
  }
  return format_table(columns, cells);
}

void print_text(const Json& out) {
  for (const auto& [key, value] : out["model"].items()) {
    if (key == "inputs" || key == "outputs") {
      for (const Json& row : value)
        std::printf("%-22s %s %s %s\n", key.c_str(), cell_text(row["name"]).c_str(), cell_text(row["dtype"]).c_str(), cell_text(row["shape"]).c_str());
    } else {
      std::printf("%-22s %s\n", key.c_str(), cell_text(value).c_str());
    }
  }
  if (out.contains("layers")) std::printf("\n%s", json_table(out["layers"], {"name", "op", "output", "params", "macs"}).c_str());
  if (out.contains("groups")) {
    std::printf("\n%s", json_table(out["groups"]["groups"], {"name", "units", "exactness", "reason"}).c_str());
    std::printf("\n%s", json_table(out["groups"]["frozen"], {"param", "dim", "cells", "reason"}).c_str());
  }
  if (out.contains("kernels")) std::printf("\n%s", json_table(out["kernels"], {"node", "op", "kernel", "isa", "macs", "bytes"}).c_str());
}

int inspect(const InspectArguments& arguments, const CommonOptions& common) {
  const OpTable ops = builtin_ops();
  const Inspected in = open_model(arguments.model, ops);
  const GraphStats stats = graph_stats(in.model.graph, ops, bindings_of(in.model.graph));
  Json out = {{"model", summary_json(in, stats)}};
  if (arguments.layers) out["layers"] = layers_json(in, stats);
  if (arguments.groups) out["groups"] = groups_json(in, ops);
  if (arguments.kernels) out["kernels"] = kernels_json(in, ops);
  if (common.json) print_json(out);
  else print_text(out);
  return 0;
}

}  // namespace

void add_inspect(CLI::App& program, const CommonOptions& common, Command& command) {
  auto arguments = std::make_shared<InspectArguments>();
  CLI::App* verb = program.add_subcommand("inspect", "what a model holds: shapes, sizes, layers, groups that prune together, kernels");
  verb->add_option("model", arguments->model, ".pare, .onnx, .pt2 or checkpoint file, or a zoo name")->required();
  verb->add_flag("--layers", arguments->layers, "one row a node");
  verb->add_flag("--groups", arguments->groups, "channels that can only be removed together, and what is frozen and why");
  verb->add_flag("--kernels", arguments->kernels, "what the executor runs for every node");
  verb->callback([&common, &command, arguments] { command = [&common, arguments] { return inspect(*arguments, common); }; });
}

}  // namespace pare
