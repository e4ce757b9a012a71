#include "core/format/graph_text.h"

#include "core/format/json_text.h"
#include "core/graph/json_form.h"

namespace pare {
namespace {

constexpr JsonLimits kLimits{.depth = 6, .keys = 1u << 12};
constexpr const char* kActivation = "activation";
constexpr const char* kDefaultType = "F32";

// [name, role, dtype, shape] of inputs and constants.
Json pack_outer(const Json& value) {
  return {value["name"], value["role"], value["dtype"], value["shape"]};
}

// [shape], [shape, dtype] or [shape, dtype, name] of an activation; `usual` is the name that its producer gives it.
Json pack_activation(const Json& value, const std::string& usual) {
  Json out = Json::array({value["shape"]});
  const bool named = value["name"] != usual;
  if (named || value["dtype"] != kDefaultType) out.push_back(value["dtype"]);
  if (named) out.push_back(value["name"]);
  return out;
}

std::string usual_name(const std::string& node, size_t output, size_t outputs) {
  return outputs == 1 ? node : node + ":" + std::to_string(output);
}

void expect(bool condition, std::string_view where, const char* what) {
  PARE_CHECK(condition, ModelError, "[{}] expected {} in the graph", where, what);
}

Json unpack_outer(const Json& packed, std::string_view where) {
  expect(packed.is_array() && packed.size() == 4, where, "[name, role, dtype, shape]");
  expect(packed[1] != kActivation, where, "inputs and constants before the nodes");
  return {{"name", packed[0]}, {"role", packed[1]}, {"dtype", packed[2]}, {"shape", packed[3]}};
}

Json unpack_activation(const Json& packed, const std::string& usual, std::string_view where) {
  expect(packed.is_array() && !packed.empty() && packed.size() <= 3, where, "[shape, dtype, name]");
  return {{"name", packed.size() > 2 ? packed[2] : Json(usual)},
          {"role", kActivation},
          {"dtype", packed.size() > 1 ? packed[1] : Json(kDefaultType)},
          {"shape", packed[0]}};
}

// [name, op, [inputs], [activations], {attrs}] of a node; its outputs are the next values.
Json unpack_node(const Json& packed, Json& values, std::string_view where) {
  expect(packed.is_array() && (packed.size() == 4 || packed.size() == 5) && packed[0].is_string() && packed[3].is_array(),
         where, "[name, op, inputs, outputs, attributes] of each node");
  Json outputs = Json::array();
  for (size_t i = 0; i < packed[3].size(); ++i) {
    outputs.push_back(values.size());
    values.push_back(unpack_activation(packed[3][i], usual_name(packed[0].get<std::string>(), i, packed[3].size()), where));
  }
  return {{"name", packed[0]}, {"op", packed[1]}, {"inputs", packed[2]}, {"outputs", std::move(outputs)},
          {"attrs", packed.size() > 4 ? packed[4] : Json::object()}};
}

}  // namespace

std::string graph_to_text(const Graph& graph) {
  const Json json = to_json(graph);
  Json values = Json::array(), nodes = Json::array();
  for (const auto& value : json["values"])
    if (value["role"] != kActivation) values.push_back(pack_outer(value));
  for (const auto& node : json["nodes"]) {
    Json outputs = Json::array();
    const Json& ids = node["outputs"];
    for (size_t i = 0; i < ids.size(); ++i)
      outputs.push_back(pack_activation(json["values"][ids[i].get<size_t>()], usual_name(node["name"], i, ids.size())));
    Json packed = {node["name"], node["op"], node["inputs"], std::move(outputs)};
    if (!node["attrs"].empty()) packed.push_back(node["attrs"]);
    nodes.push_back(std::move(packed));
  }
  return dump_json({{"name", json["name"]}, {"values", std::move(values)}, {"nodes", std::move(nodes)}, {"outputs", json["outputs"]}},
                   "pare file");
}

Graph graph_from_text(std::string_view text, std::string_view where) {
  const Json packed = parse_json(text, where, kLimits);
  for (const char* key : {"name", "values", "nodes", "outputs"})
    expect(packed.is_object() && packed.contains(key), where, "name, values, nodes and outputs");
  expect(packed["values"].is_array() && packed["nodes"].is_array(), where, "lists of values and nodes");
  Json values = Json::array(), nodes = Json::array();
  for (const auto& value : packed["values"]) values.push_back(unpack_outer(value, where));
  for (const auto& node : packed["nodes"]) nodes.push_back(unpack_node(node, values, where));
  return graph_from_json({{"name", packed["name"]}, {"values", std::move(values)}, {"nodes", std::move(nodes)}, {"outputs", packed["outputs"]}});
}

}  // namespace pare
