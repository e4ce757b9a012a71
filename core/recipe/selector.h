#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/base/config_write.h"
#include "core/graph/graph.h"

namespace pare {

/// One thing that a selector may pick: a node (layer) or one of its parameters.
struct Selectable {
  std::string name;    ///< node name, e.g. "layer1.0.conv1"
  std::string op;      ///< operator, e.g. "Conv"
  std::string param;   ///< parameter name, e.g. "layer1.0.conv1.weight"; empty for a node as a whole
};

/// Picks layers by name. One syntax for all methods, written as one text or a list of texts; each is
///   an exact node or parameter name ("layer1.0.conv1", "linear.weight"),
///   a glob ("layer1.*"),
///   a regular expression from the name's start ("re:layer[12]\\."), or
///   an operator type ("Conv", "Gemm"; "Conv2d" and "Linear" are understood as these).
/// The empty selector picks nothing. Usable as a member of any config struct (`v("targets", targets, "...")`).
class Selector {
 public:
  Selector() = default;
  /// For programs and defaults. Throws ConfigError on a bad regular expression.
  explicit Selector(std::vector<std::string> patterns);

  bool empty() const { return patterns_.empty(); }
  const std::vector<std::string>& patterns() const { return patterns_; }
  bool matches(const Selectable& candidate) const;
  /// Indices of the matching candidates, ascending. Every pattern must match at least one: otherwise ConfigError with the
  /// position of the pattern and the nearest names.
  std::vector<size_t> select(const std::vector<Selectable>& candidates) const;

 private:
  friend void read_custom(const ConfigNode& node, const std::string& path, Selector& out);
  friend Json write_custom(const Selector& selector);
  std::vector<std::string> patterns_;
  std::vector<ConfigMark> marks_;  ///< of each pattern; empty for programs
  std::string path_;
};

void read_custom(const ConfigNode& node, const std::string& path, Selector& out);
Json write_custom(const Selector& selector);
Json schema_custom(const Selector& selector);

/// The graph's nodes of the given operators (all when empty), in order; `param` is the name of the second input where that
/// is a parameter (weight).
std::vector<Selectable> selectable_nodes(const Graph& graph, const std::set<std::string>& ops = {});

/// Names of the nodes among `candidates` that `targets` picks and `ignore` does not. An empty `targets` picks all.
/// Throws ConfigError when a pattern matches nothing, or when nothing is left.
std::vector<size_t> select_layers(const std::vector<Selectable>& candidates, const Selector& targets, const Selector& ignore);

/// Per-layer settings: a list of `{targets: ..., <some fields of T>}`; later ones win.
template <class T>
struct Overrides {
  struct Item {
    Selector targets;
    ConfigNode fields;
    std::string path;
  };
  std::vector<Item> items;

  /// `base` with the fields that the matching items set.
  T resolve(T base, const Selectable& candidate) const {
    for (const Item& item : items)
      if (item.targets.matches(candidate)) read_config(item.fields, item.path, base);
    return base;
  }
  /// Throws ConfigError when an item's selector matches nothing.
  void check(const std::vector<Selectable>& candidates) const {
    for (const Item& item : items) item.targets.select(candidates);
  }
};

template <class T>
void read_custom(const ConfigNode& node, const std::string& path, Overrides<T>& out) {
  config_expect(node, path, ConfigNode::Kind::kList, "a list");
  out.items.clear();
  for (size_t i = 0; i < node.items.size(); ++i) {
    typename Overrides<T>::Item item;
    item.path = fmt("{}[{}]", path, i);
    item.fields = node.items[i];
    config_expect(item.fields, item.path, ConfigNode::Kind::kMap, "a map");
    auto& entries = item.fields.entries;
    for (size_t j = 0; j < entries.size(); ++j) {
      if (entries[j].first != "targets") continue;
      read_custom(entries[j].second, item.path + ".targets", item.targets);
      entries.erase(entries.begin() + static_cast<long>(j));
      item.fields.key_marks.erase(item.fields.key_marks.begin() + static_cast<long>(j));
      break;
    }
    if (item.targets.empty()) config_fail(item.fields.mark, item.path, "expected the key \"targets\"");
    T probe{};
    read_config(item.fields, item.path, probe);
    out.items.push_back(std::move(item));
  }
}
template <class T>
Json write_custom(const Overrides<T>& overrides) {
  Json out = Json::array();
  for (const auto& item : overrides.items) {
    Json entry = config_node_to_json(item.fields);
    entry["targets"] = write_custom(item.targets);
    out.push_back(std::move(entry));
  }
  return out;
}
template <class T>
Json schema_custom(const Overrides<T>&) {
  Json item = config_schema(T{});
  item["properties"]["targets"] = schema_custom(Selector());
  item["required"] = {"targets"};
  return {{"type", "array"}, {"items", std::move(item)}};
}

}  // namespace pare
