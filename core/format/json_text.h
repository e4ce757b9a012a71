#pragma once

#include <string_view>

#include "core/base/config_write.h"

namespace pare {

/// Bounds for JSON that comes from a file.
struct JsonLimits {
  int depth = 16;            ///< nested arrays and objects
  size_t keys = 1u << 14;    ///< keys of one object (ordered objects search them one by one)
};

/// Largest rank of a shape in a file.
inline constexpr size_t kMaxFileRank = 16;

/// Parses JSON from a file: syntax errors, duplicate keys and what exceeds the limits throw ModelError `[where] ...`.
Json parse_json(std::string_view text, std::string_view where, JsonLimits limits = {});
/// The same into objects sorted by name, for objects of many keys.
nlohmann::json parse_sorted_json(std::string_view text, std::string_view where, JsonLimits limits = {});
/// Compact text; ModelError when a string is not UTF-8.
std::string dump_json(const Json& json, std::string_view where);

}  // namespace pare
