#include "core/base/config_read.h"

#include <algorithm>
#include <charconv>

namespace pare {

void config_expect(const ConfigNode& node, const std::string& path, ConfigNode::Kind kind, const char* what) {
  if (node.kind != kind) config_fail(node.mark, path, fmt("expected {}, got {}", what, node.describe()));
}

bool config_bool(const ConfigNode& node, const std::string& path) {
  if (node.kind == ConfigNode::Kind::kScalar && !node.quoted) {
    if (node.scalar == "true" || node.scalar == "True") return true;
    if (node.scalar == "false" || node.scalar == "False") return false;
  }
  config_fail(node.mark, path, fmt("expected true or false, got {}", node.describe()));
}

template <class T>
static bool parse_whole(const std::string& text, T& out) {
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  const char* first = text.data() + (plus ? 1 : 0);
  const char* last = text.data() + text.size();
  const auto result = std::from_chars(first, last, out);
  return result.ec == std::errc() && result.ptr == last && first != last;
}

int64_t config_int(const ConfigNode& node, const std::string& path) {
  int64_t value = 0;
  if (node.kind == ConfigNode::Kind::kScalar && !node.quoted && parse_whole(node.scalar, value)) return value;
  config_fail(node.mark, path, fmt("expected an integer, got {}", node.describe()));
}

double config_number(const ConfigNode& node, const std::string& path) {
  double value = 0;
  if (node.kind == ConfigNode::Kind::kScalar && !node.quoted && parse_whole(node.scalar, value) && value == value)
    return value;
  config_fail(node.mark, path, fmt("expected a number, got {}", node.describe()));
}

std::string config_string(const ConfigNode& node, const std::string& path) {
  config_expect(node, path, ConfigNode::Kind::kScalar, "a text");
  return node.scalar;
}

void ConfigReader::finish() const {
  for (size_t i = 0; i < node_.entries.size(); ++i) {
    const std::string& key = node_.entries[i].first;
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const ConfigMark& mark = i < node_.key_marks.size() ? node_.key_marks[i] : node_.mark;
    config_fail(mark, path_, fmt("unknown key \"{}\".{} Valid keys: {}.", key, did_you_mean(key, known_), join(known_, ", ")));
  }
}

}  // namespace pare
