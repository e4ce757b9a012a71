#pragma once
// Typed configuration. Every configurable thing is a plain struct with one member template
//
//   template <class V> void fields(V& v) { v("lr", lr, greater_than(0), "learning rate"); ... }
//
// from which come: reading with file:line:col errors (ConfigReader), the resolved recipe as JSON (config_to_json),
// the JSON schema (config_schema) and `pare methods --describe`. Members may be bool, int64_t, double, std::string,
// enums with an EnumNames specialisation, structs with fields, std::vector, std::optional, std::map<std::string, T>,
// std::variant of structs that carry `static constexpr const char* kName`, or a ConfigNode (read later by its owner).

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"

namespace pare {

/// Where a configuration value stands. `line` and `column` start at 1; 0 means unknown (values set by a program).
struct ConfigMark {
  std::string file;
  int line = 0;
  int column = 0;
  /// "recipe.yaml:14:9: " or "" when unknown.
  std::string prefix() const;
};

/// A parsed but untyped configuration tree. Independent of YAML.
struct ConfigNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string scalar;
  bool quoted = false;                                        ///< a quoted scalar is always a string
  std::vector<ConfigNode> items;                              ///< of a list
  std::vector<std::pair<std::string, ConfigNode>> entries;    ///< of a map, in file order, keys unique
  std::vector<ConfigMark> key_marks;                          ///< of a map, where each key stands
  ConfigMark mark;

  static ConfigNode text(std::string value);
  static ConfigNode map(std::vector<std::pair<std::string, ConfigNode>> entries);
  const ConfigNode* find(const std::string& key) const;
  bool is_null() const { return kind == Kind::kNull; }
  /// What it is, for messages: `"abc"`, `a list`, `a map`, `nothing`.
  std::string describe() const;
};

/// Throws ConfigError with the position and the dotted path of the value.
[[noreturn]] void config_fail(const ConfigMark& mark, const std::string& path, const std::string& what);

/// Allowed interval of a number.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;
  bool high_open = false;
  bool holds(double value) const;
  std::string describe() const;  ///< ">= 1", "in [0, 1)", ...
};
inline Range any_number() { return {}; }
inline Range at_least(double low) { return {.low = low}; }
inline Range greater_than(double low) { return {.low = low, .low_open = true}; }
inline Range between(double low, double high) { return {.low = low, .high = high}; }
/// [low, high)
inline Range below(double low, double high) { return {.low = low, .high = high, .high_open = true}; }

/// Specialise for each enum that appears in a config:
///   template <> struct EnumNames<Kind> { static constexpr std::pair<Kind, const char*> kNames[] = {{Kind::kA, "a"}}; };
template <class E>
struct EnumNames;

template <class E>
const char* enum_name(E value) {
  for (const auto& [e, name] : EnumNames<E>::kNames)
    if (e == value) return name;
  return "?";
}

namespace detail {
template <class T> struct is_vector : std::false_type {};
template <class T> struct is_vector<std::vector<T>> : std::true_type {};
template <class T> struct is_optional : std::false_type {};
template <class T> struct is_optional<std::optional<T>> : std::true_type {};
template <class T> inline constexpr bool always_false = false;
}  // namespace detail

}  // namespace pare
