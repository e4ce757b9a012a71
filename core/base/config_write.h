#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <variant>

#include "core/base/config.h"
#include "core/base/config_read.h"

namespace pare {

using Json = nlohmann::ordered_json;

/// The untyped tree as JSON: unquoted numbers and booleans become JSON numbers and booleans.
Json config_node_to_json(const ConfigNode& node);
/// Inverse of config_node_to_json, for programs that hold a resolved recipe.
ConfigNode config_node_from_json(const Json& json);

template <class T>
Json config_to_json(const T& value);

/// Collects the resolved values of a struct with `fields`, defaults included.
class ConfigDumper {
 public:
  template <class T> void operator()(const char* name, T& value, const char*) { json[name] = config_to_json(value); }
  template <class T> void operator()(const char* name, T& value, Range, const char*) { json[name] = config_to_json(value); }
  Json json = Json::object();
};

/// Resolved value of any config type. A type of its own syntax gives `Json write_custom(const T&)`.
template <class T>
Json config_to_json(const T& value) {
  if constexpr (requires { write_custom(value); }) {
    return write_custom(value);
  } else if constexpr (std::is_same_v<T, ConfigNode>) {
    return config_node_to_json(value);
  } else if constexpr (std::is_enum_v<T>) {
    return enum_name(value);
  } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
    return value;
  } else if constexpr (detail::is_optional<T>::value) {
    return value ? config_to_json(*value) : Json(nullptr);
  } else if constexpr (detail::is_vector<T>::value) {
    Json out = Json::array();
    for (const auto& item : value) out.push_back(config_to_json(item));
    return out;
  } else if constexpr (detail::is_map<T>::value) {
    Json out = Json::object();
    for (const auto& [key, item] : value) out[key] = config_to_json(item);
    return out;
  } else if constexpr (detail::is_variant<T>::value) {
    return std::visit([](const auto& v) { return Json{{v.kName, config_to_json(v)}}; }, value);
  } else {
    ConfigDumper dumper;
    const_cast<T&>(value).fields(dumper);
    return dumper.json;
  }
}

template <class T>
Json config_schema(const T& defaults, Range range = {});

/// Collects a JSON schema object from `fields`: types, ranges, defaults and docs.
class SchemaWriter {
 public:
  template <class T> void operator()(const char* name, T& value, const char* doc) { (*this)(name, value, Range{}, doc); }
  template <class T> void operator()(const char* name, T& value, Range range, const char* doc) {
    Json entry = config_schema(value, range);
    entry["description"] = doc;
    json["properties"][name] = std::move(entry);
  }
  Json json = {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
};

Json schema_of_number(const char* type, Range range);

/// JSON schema (draft 2020-12) of any config type. A type of its own syntax gives `Json schema_custom(const T&)`.
template <class T>
Json config_schema(const T& value, Range range) {
  if constexpr (requires { schema_custom(value); }) {
    return schema_custom(value);
  } else if constexpr (std::is_same_v<T, ConfigNode>) {
    return Json::object();
  } else if constexpr (std::is_same_v<T, bool>) {
    return {{"type", "boolean"}, {"default", value}};
  } else if constexpr (std::is_arithmetic_v<T>) {
    Json out = schema_of_number(std::is_integral_v<T> ? "integer" : "number", range);
    out["default"] = value;
    return out;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return {{"type", "string"}, {"default", value}};
  } else if constexpr (std::is_enum_v<T>) {
    Json names = Json::array();
    for (const auto& row : EnumNames<T>::kNames) names.push_back(row.second);
    return {{"enum", names}, {"default", enum_name(value)}};
  } else if constexpr (detail::is_optional<T>::value) {
    return config_schema(typename T::value_type{}, range);
  } else if constexpr (detail::is_vector<T>::value) {
    return {{"type", "array"}, {"items", config_schema(typename T::value_type{}, range)}};
  } else if constexpr (detail::is_map<T>::value) {
    return {{"type", "object"}, {"additionalProperties", config_schema(typename T::mapped_type{}, range)}};
  } else if constexpr (detail::is_variant<T>::value) {
    return [&]<class... Ts>(const std::variant<Ts...>&) {
      Json choices = Json::array();
      (choices.push_back({{"const", Ts::kName}}), ...);
      (choices.push_back({{"type", "object"}, {"additionalProperties", false}, {"properties", {{Ts::kName, config_schema(Ts{})}}}}), ...);
      return Json{{"oneOf", choices}};
    }(value);
  } else {
    SchemaWriter writer;
    const_cast<T&>(value).fields(writer);
    return writer.json;
  }
}

}  // namespace pare
