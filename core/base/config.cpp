#include "core/base/config.h"

#include <algorithm>

namespace pare {

std::string ConfigMark::prefix() const {
  if (line == 0) return file.empty() ? "" : file + ": ";
  return fmt("{}:{}:{}: ", file, line, column);
}

ConfigNode ConfigNode::text(std::string value) {
  ConfigNode node;
  node.kind = Kind::kScalar;
  node.scalar = std::move(value);
  return node;
}

ConfigNode ConfigNode::map(std::vector<std::pair<std::string, ConfigNode>> entries) {
  ConfigNode node;
  node.kind = Kind::kMap;
  node.key_marks.resize(entries.size());
  node.entries = std::move(entries);
  return node;
}

const ConfigNode* ConfigNode::find(const std::string& key) const {
  for (const auto& [name, value] : entries)
    if (name == key) return &value;
  return nullptr;
}

static std::string shortened(std::string text) {
  constexpr size_t kMost = 60;  // an unclosed quote swallows the rest of a file
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string ConfigNode::describe() const {
  switch (kind) {
    case Kind::kNull: return "nothing";
    case Kind::kScalar: return '"' + shortened(scalar) + '"';
    case Kind::kList: return "a list";
    case Kind::kMap: return "a map";
  }
  return "?";
}

void config_fail(const ConfigMark& mark, const std::string& path, const std::string& what) {
  throw ConfigError(mark.prefix() + (path.empty() ? "" : path + ": ") + what);
}

bool Range::holds(double value) const {
  return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
}

static std::string plain(double value) {
  return value == static_cast<double>(static_cast<int64_t>(value)) ? std::to_string(static_cast<int64_t>(value))
                                                                   : fmt("{}", value);
}

std::string Range::describe() const {
  const bool has_low = low != -std::numeric_limits<double>::infinity();
  const bool has_high = high != std::numeric_limits<double>::infinity();
  if (has_low && has_high) return fmt("in {}{}, {}{}", low_open ? "(" : "[", plain(low), plain(high), high_open ? ")" : "]");
  if (has_low) return (low_open ? "> " : ">= ") + plain(low);
  if (has_high) return (high_open ? "< " : "<= ") + plain(high);
  return "a number";
}

}  // namespace pare
