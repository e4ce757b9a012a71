#include "core/job/schema.h"

#include "core/data/data_config.h"
#include "core/recipe/recipe.h"

namespace pare {
namespace {

/// A list whose items are a name or a map with one key.
template <class Rows>
Json choice_of(const Rows& rows) {
  Json names = Json::array(), choices = Json::array();
  for (const auto& [name, row] : rows) names.push_back(name);
  choices.push_back({{"enum", names}});
  for (const auto& [name, row] : rows) {
    Json body = row.schema;
    body["description"] = row.description;
    Json nullable = {{"anyOf", {body, {{"type", "null"}}}}};
    choices.push_back({{"type", "object"},
                       {"additionalProperties", false},
                       {"required", {name}},
                       {"properties", {{name, std::move(nullable)}}}});
  }
  return {{"oneOf", std::move(choices)}};
}

}  // namespace

Json recipe_schema(const Registry& registry) {
  Json schema = config_schema(Recipe{});
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "pare recipe";
  schema["required"] = {"pare", "name", "model", "stages"};
  Json& properties = schema["properties"];
  properties["pare"]["const"] = kRecipeVersion;
  for (const char* part : {"train", "eval"}) {
    Json& slot = properties["data"]["properties"][part];
    const Json description = slot["description"];
    slot = config_schema(DataConfig{});
    slot["description"] = description;
  }
  Json stage = choice_of(registry.stages());
  for (Json& choice : stage["oneOf"]) {
    if (!choice.contains("properties")) continue;
    for (auto& [name, body] : choice["properties"].items()) {
      Json& fields = body["anyOf"][0]["properties"];
      if (fields.is_object() && fields.contains("with")) fields["with"]["items"] = choice_of(registry.modifiers());
    }
  }
  properties["stages"] = {{"type", "array"}, {"minItems", 1}, {"items", std::move(stage)}};
  properties["stages"]["description"] = "what to do, in order";
  return schema;
}

}  // namespace pare
