#pragma once

#include <map>
#include <variant>

#include "core/base/config.h"

namespace pare {

/// Scalar conversions; each throws ConfigError through `config_fail` with the expected type.
bool config_bool(const ConfigNode& node, const std::string& path);
int64_t config_int(const ConfigNode& node, const std::string& path);
double config_number(const ConfigNode& node, const std::string& path);
std::string config_string(const ConfigNode& node, const std::string& path);
void config_expect(const ConfigNode& node, const std::string& path, ConfigNode::Kind kind, const char* what);

template <class T>
void read_config(const ConfigNode& node, const std::string& path, T& out, Range range = {});

/// Reads one map into a struct with `fields`. Keys that no field takes are an error with the nearest valid key;
/// a missing key leaves the default.
class ConfigReader {
 public:
  ConfigReader(const ConfigNode& node, std::string path) : node_(node), path_(std::move(path)) {
    if (!node.is_null()) config_expect(node, path_, ConfigNode::Kind::kMap, "a map");
  }
  template <class T>
  void operator()(const char* name, T& value, const char* doc) {
    (*this)(name, value, Range{}, doc);
  }
  template <class T>
  void operator()(const char* name, T& value, Range range, const char*) {
    known_.emplace_back(name);
    if (const ConfigNode* child = node_.find(name)) read_config(*child, join_path(name), value, range);
  }
  /// Refuses unknown keys; call after `fields`.
  void finish() const;

 private:
  std::string join_path(const std::string& name) const { return path_.empty() ? name : path_ + "." + name; }
  const ConfigNode& node_;
  std::string path_;
  std::vector<std::string> known_;
};

namespace detail {

template <class... Ts>
void read_choice(const ConfigNode& node, const std::string& path, std::variant<Ts...>& out) {
  static const ConfigNode kNothing;
  std::string name;
  const ConfigNode* body = &kNothing;
  if (node.kind == ConfigNode::Kind::kScalar) {
    name = node.scalar;
  } else {
    config_expect(node, path, ConfigNode::Kind::kMap, "one choice, as a name or a map with one key");
    if (node.entries.size() != 1)
      config_fail(node.mark, path, fmt("expected exactly one choice, got {}", node.entries.size()));
    name = node.entries[0].first;
    body = &node.entries[0].second;
  }
  bool found = false;
  auto attempt = [&]<class T>(T value) {
    if (found || name != T::kName) return;
    found = true;
    read_config(*body, path + "." + name, value);
    out = std::move(value);
  };
  (attempt(Ts{}), ...);
  if (!found) {
    const std::vector<std::string> names = {Ts::kName...};
    config_fail(node.mark, path, fmt("unknown choice \"{}\".{} Choices: {}.", name, did_you_mean(name, names), join(names, ", ")));
  }
}

template <class T>
struct is_variant : std::false_type {};
template <class... Ts>
struct is_variant<std::variant<Ts...>> : std::true_type {};
template <class T>
struct is_map : std::false_type {};
template <class T>
struct is_map<std::map<std::string, T>> : std::true_type {};

template <class E>
void read_enum(const ConfigNode& node, const std::string& path, E& out) {
  const std::string name = config_string(node, path);
  std::vector<std::string> names;
  for (const auto& [e, text] : EnumNames<E>::kNames) {
    if (name == text) {
      out = e;
      return;
    }
    names.emplace_back(text);
  }
  config_fail(node.mark, path, fmt("expected one of {}, got \"{}\".{}", join(names, ", "), name, did_you_mean(name, names)));
}

inline void check_range(const ConfigNode& node, const std::string& path, double value, const Range& range) {
  if (!range.holds(value)) config_fail(node.mark, path, fmt("expected {}, got {}", range.describe(), node.scalar));
}

}  // namespace detail

/// Reads any supported type (see config.h). A type of its own syntax gives a free function
/// `void read_custom(const ConfigNode&, const std::string& path, T&)` found by argument lookup.
template <class T>
void read_config(const ConfigNode& node, const std::string& path, T& out, Range range) {
  if constexpr (requires { read_custom(node, path, out); }) {
    read_custom(node, path, out);
  } else if constexpr (std::is_same_v<T, ConfigNode>) {
    out = node;
  } else if constexpr (std::is_same_v<T, bool>) {
    out = config_bool(node, path);
  } else if constexpr (std::is_integral_v<T>) {
    const int64_t value = config_int(node, path);
    detail::check_range(node, path, static_cast<double>(value), range);
    out = static_cast<T>(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    out = static_cast<T>(config_number(node, path));
    detail::check_range(node, path, static_cast<double>(out), range);
  } else if constexpr (std::is_same_v<T, std::string>) {
    out = config_string(node, path);
  } else if constexpr (std::is_enum_v<T>) {
    detail::read_enum(node, path, out);
  } else if constexpr (detail::is_optional<T>::value) {
    if (node.is_null()) return out.reset();
    typename T::value_type value{};
    read_config(node, path, value, range);
    out = std::move(value);
  } else if constexpr (detail::is_vector<T>::value) {
    config_expect(node, path, ConfigNode::Kind::kList, "a list");
    out.clear();
    for (size_t i = 0; i < node.items.size(); ++i) {
      typename T::value_type value{};
      read_config(node.items[i], fmt("{}[{}]", path, i), value, range);
      out.push_back(std::move(value));
    }
  } else if constexpr (detail::is_map<T>::value) {
    config_expect(node, path, ConfigNode::Kind::kMap, "a map");
    out.clear();
    for (const auto& [key, child] : node.entries) read_config(child, path + "." + key, out[key], range);
  } else if constexpr (detail::is_variant<T>::value) {
    detail::read_choice(node, path, out);
  } else {
    ConfigReader reader(node, path);
    out.fields(reader);
    reader.finish();
    if constexpr (requires { out.check(node.mark, path); }) out.check(node.mark, path);
  }
}

}  // namespace pare
