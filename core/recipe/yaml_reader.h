#pragma once

#include <string>

#include "core/base/config.h"

namespace pare {

/// Bounds on what a recipe may hold, so that a hostile file costs neither memory nor stack.
inline constexpr size_t kMaxRecipeBytes = 1 << 20;
inline constexpr size_t kMaxRecipeNodes = 100'000;  ///< after anchors are expanded
inline constexpr size_t kMaxRecipeDepth = 64;

/// Reads one YAML document into an untyped tree with positions. `name` stands in error messages.
/// Anchors, aliases and merge keys (`<<`) are expanded. Throws ConfigError with file:line:col on bad syntax, duplicate
/// or non-text keys, custom tags, several documents, and beyond the bounds above. An empty text gives a null node.
ConfigNode read_yaml(const std::string& text, const std::string& name);

/// The same from a file; IoError when it cannot be read.
ConfigNode read_yaml_file(const std::string& path);

}  // namespace pare
