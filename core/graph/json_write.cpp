#include <cmath>

#include "core/graph/json_form.h"

namespace pare {
namespace {

Json number_to_json(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

Json attr_to_json(const Attr& attr) {
  static constexpr const char* kTags[] = {"i", "f", "s", "is", "fs"};
  Json out;
  if (const auto* number = std::get_if<double>(&attr)) {
    out = number_to_json(*number);
  } else if (const auto* numbers = std::get_if<std::vector<double>>(&attr)) {
    out = Json::array();
    for (double value : *numbers) out.push_back(number_to_json(value));
  } else {
    std::visit([&out](const auto& value) { out = value; }, attr);
  }
  return Json{{kTags[attr.index()], std::move(out)}};
}

Json shape_to_json(const std::optional<DimShape>& shape) {
  if (!shape) return nullptr;
  Json out = Json::array();
  for (const Dim& dim : *shape) {
    const auto number = dim.maybe_value();
    out.push_back(number ? Json(*number) : Json(dim.str()));
  }
  return out;
}

// Inputs, constants, activations in node order: what reading builds again.
std::vector<ValueId> canonical_order(const Graph& graph) {
  std::vector<ValueId> out = graph.inputs();
  for (ValueId id : graph.values())
    if (graph.value(id).is_constant()) out.push_back(id);
  for (NodeId n : graph.order())
    for (ValueId id : graph.node(n).outputs) out.push_back(id);
  return out;
}

}  // namespace

Json to_json(const Graph& graph) {
  std::unordered_map<ValueId, int64_t> index = {{kNoValue, -1}};
  Json values = Json::array(), nodes = Json::array(), outputs = Json::array();
  for (ValueId id : canonical_order(graph)) {
    const Value& value = graph.value(id);
    index.emplace(id, static_cast<int64_t>(values.size()));
    values.push_back({{"name", value.name},
                      {"role", name_of(value.role)},
                      {"dtype", name_of(value.dtype)},
                      {"shape", shape_to_json(value.shape)}});
  }
  const auto indices = [&index](const std::vector<ValueId>& ids) {
    Json out = Json::array();
    for (ValueId id : ids) out.push_back(index.at(id));
    return out;
  };
  for (NodeId n : graph.order()) {
    const Node& node = graph.node(n);
    Json attrs = Json::object();
    for (const auto& [name, attr] : node.attrs.map()) attrs[name] = attr_to_json(attr);
    nodes.push_back({{"name", node.name}, {"op", node.op}, {"inputs", indices(node.inputs)},
                     {"outputs", indices(node.outputs)}, {"attrs", std::move(attrs)}});
  }
  return {{"name", graph.name}, {"values", std::move(values)}, {"nodes", std::move(nodes)}, {"outputs", indices(graph.outputs())}};
}

}  // namespace pare
