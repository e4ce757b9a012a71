#include "core/base/config_write.h"

#include <cmath>

namespace pare {

Json config_node_to_json(const ConfigNode& node) {
  switch (node.kind) {
    case ConfigNode::Kind::kNull: return nullptr;
    case ConfigNode::Kind::kScalar: {
      if (node.quoted) return node.scalar;
      Json parsed = Json::parse(node.scalar, nullptr, false);
      return parsed.is_number() || parsed.is_boolean() ? parsed : Json(node.scalar);
    }
    case ConfigNode::Kind::kList: {
      Json out = Json::array();
      for (const auto& item : node.items) out.push_back(config_node_to_json(item));
      return out;
    }
    case ConfigNode::Kind::kMap: {
      Json out = Json::object();
      for (const auto& [key, value] : node.entries) out[key] = config_node_to_json(value);
      return out;
    }
  }
  return nullptr;
}

ConfigNode config_node_from_json(const Json& json) {
  ConfigNode node;
  if (json.is_null()) return node;
  if (json.is_object()) {
    node = ConfigNode::map({});
    for (const auto& [key, value] : json.items()) node.entries.emplace_back(key, config_node_from_json(value));
    node.key_marks.resize(node.entries.size());
  } else if (json.is_array()) {
    node.kind = ConfigNode::Kind::kList;
    for (const auto& item : json) node.items.push_back(config_node_from_json(item));
  } else if (json.is_string()) {
    node = ConfigNode::text(json.get<std::string>());
    node.quoted = true;
  } else {
    node = ConfigNode::text(json.dump());
  }
  return node;
}

Json schema_of_number(const char* type, Range range) {
  Json out = {{"type", type}};
  if (std::isfinite(range.low)) out[range.low_open ? "exclusiveMinimum" : "minimum"] = range.low;
  if (std::isfinite(range.high)) out[range.high_open ? "exclusiveMaximum" : "maximum"] = range.high;
  return out;
}

}  // namespace pare
