#include "apps/pare/model_json.h"

#include "core/base/text.h"

namespace pare {

Json value_json(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  Json shape = Json::array();
  if (value.shape)
    for (const Dim& dim : *value.shape) shape.push_back(dim.str());
  return {{"name", value.name}, {"dtype", name_of(value.dtype)}, {"shape", shape}};
}

std::map<std::string, int64_t> bindings_of(const Graph& graph) {
  std::map<std::string, int64_t> out;
  for (const ValueId id : graph.inputs())
    if (graph.value(id).shape)
      for (const Dim& dim : *graph.value(id).shape)
        for (const auto& symbol : dim.symbols()) out[symbol] = 1;
  return out;
}

std::string cell_text(const Json& value) {
  if (value.is_number_integer()) return with_commas(value.get<int64_t>());
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::vector<std::string> parts;
  for (const Json& item : value) parts.push_back(cell_text(item));
  return "[" + join(parts, ", ") + "]";
}

}  // namespace pare
