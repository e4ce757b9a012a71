#include "core/recipe/overrides.h"

#include <charconv>

#include "core/recipe/yaml_reader.h"

namespace pare {
namespace {

using Kind = ConfigNode::Kind;

struct Override {
  std::string text;
  std::vector<std::string> path;
  ConfigNode value;

  [[noreturn]] void fail(const std::string& what) const { throw ConfigError(fmt("override \"{}\": {}", text, what)); }
};

/// "a.b[2].c" -> a, b, 2, c
std::vector<std::string> split_path(const Override& override_, const std::string& key) {
  std::vector<std::string> out(1);
  for (const char c : key) {
    if (c == '.' || c == '[') {
      if (!out.back().empty() || c == '.') out.emplace_back();
    } else if (c != ']') {
      out.back() += c;
    }
  }
  for (const auto& part : out)
    if (part.empty()) override_.fail(fmt("expected a dotted path such as stages.0.train.epochs, got \"{}\"", key));
  return out;
}

void set_mark(ConfigNode& node, const ConfigMark& mark) {
  node.mark = mark;
  for (auto& item : node.items) set_mark(item, mark);
  for (auto& entry : node.entries) set_mark(entry.second, mark);
  for (auto& key_mark : node.key_marks) key_mark = mark;
}

Override parse_override(const std::string& text) {
  Override out;
  out.text = text;
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) out.fail("expected key=value");
  out.path = split_path(out, text.substr(0, equals));
  const std::string name = fmt("override \"{}\"", text);
  out.value = read_yaml(text.substr(equals + 1), name);
  if (equals + 1 == text.size()) {  // "key=" sets the empty text; "key=null" sets nothing
    out.value = ConfigNode::text("");
    out.value.quoted = true;
  }
  set_mark(out.value, {name, 0, 0});
  return out;
}

std::string joined(const std::vector<std::string>& parts, size_t from, size_t to) {
  return join({parts.begin() + static_cast<long>(from), parts.begin() + static_cast<long>(to)}, ".");
}

/// A stage written as a bare name, or nothing at all, becomes a map that can take keys.
void make_map(ConfigNode& node) {
  if (node.kind == Kind::kScalar && !node.quoted) {
    ConfigNode body;
    body.mark = node.mark;
    const std::string key = node.scalar;
    const ConfigMark mark = node.mark;
    node = ConfigNode::map({{key, body}});
    node.key_marks[0] = node.mark = mark;
  } else if (node.kind == Kind::kNull) {
    const ConfigMark mark = node.mark;
    node = ConfigNode::map({});
    node.mark = mark;
  }
}

ConfigNode* find_entry(ConfigNode& map, const std::string& key) {
  for (auto& [name, value] : map.entries)
    if (name == key) return &value;
  return nullptr;
}

/// Index of the list item that parts[at...] names; `used` is how many parts that took (an index takes one, a name none).
size_t find_item(const ConfigNode& list, const Override& override_, size_t at, size_t& used) {
  const std::string& part = override_.path[at];
  size_t index = 0;
  const auto parsed = std::from_chars(part.data(), part.data() + part.size(), index);
  if (parsed.ec == std::errc() && parsed.ptr == part.data() + part.size()) {
    if (index >= list.items.size())
      override_.fail(fmt("index {} of \"{}\" is out of range: it has {} items", index, joined(override_.path, 0, at), list.items.size()));
    used = 1;
    return index;
  }
  std::vector<size_t> hits;
  std::vector<std::string> names;
  for (size_t i = 0; i < list.items.size(); ++i) {
    const ConfigNode& item = list.items[i];
    const std::string name = item.kind == Kind::kMap && item.entries.size() == 1 ? item.entries[0].first : item.scalar;
    names.push_back(name);
    for (size_t end = at + 1; end <= override_.path.size(); ++end)
      if (joined(override_.path, at, end) == name) hits.push_back(i);
  }
  if (hits.empty()) override_.fail(fmt("\"{}\" has no item \"{}\".{}", joined(override_.path, 0, at), part, did_you_mean(part, names)));
  if (hits.size() > 1) override_.fail(fmt("\"{}\" has several items \"{}\". Use an index", joined(override_.path, 0, at), names[hits[0]]));
  used = 0;
  return hits[0];
}

void set_value(ConfigNode& node, const Override& override_, size_t at) {
  const auto& path = override_.path;
  if (at == path.size()) {
    node = override_.value;
    return;
  }
  if (node.kind == Kind::kList) {
    size_t used = 0;
    const size_t index = find_item(node, override_, at, used);
    if (used == 0) make_map(node.items[index]);
    return set_value(node.items[index], override_, at + used);
  }
  make_map(node);
  if (node.kind != Kind::kMap) override_.fail(fmt("\"{}\" is {}, not a map", joined(path, 0, at), node.describe()));
  for (size_t end = path.size(); end > at; --end)
    if (ConfigNode* child = find_entry(node, joined(path, at, end))) return set_value(*child, override_, end);
  const ConfigMark mark = override_.value.mark;
  ConfigNode child;
  child.mark = mark;
  node.entries.emplace_back(path[at], std::move(child));
  node.key_marks.push_back(mark);
  set_value(node.entries.back().second, override_, at + 1);
}

}  // namespace

void apply_overrides(ConfigNode& root, const std::vector<std::string>& overrides) {
  for (const auto& text : overrides) set_value(root, parse_override(text), 0);
}

}  // namespace pare
