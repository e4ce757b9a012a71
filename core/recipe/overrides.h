#pragma once

#include <string>
#include <vector>

#include "core/base/config.h"

namespace pare {

/// Applies `key=value` settings from the command line to an untyped recipe, in order. A key is a dotted path; list items
/// are addressed by index or, for lists of single-key maps such as `stages`, by that key:
///   seed=3   stages.0.train.epochs=1   stages.quant.ptq.weights.num_bits=4   stages[0].train.with[0].prune.magnitude.sparsity=0.5
/// Keys that contain dots themselves (stage names) are found by the longest match. The value is read as YAML.
/// Throws ConfigError naming the override. Whether a new key is valid is decided when the recipe is read.
void apply_overrides(ConfigNode& root, const std::vector<std::string>& overrides);

}  // namespace pare
