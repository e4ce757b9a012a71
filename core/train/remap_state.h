#pragma once

#include <string>

#include "core/graph/remap.h"

namespace pare {

/// The entry of a parameter of the new model: kept under its own name when the remap does not speak of it.
ParamRemap entry_of(const Remap& remap, const std::string& name);
/// True when per-parameter state of the old model can follow (kept or sliced).
bool has_source(const ParamRemap& entry);

}  // namespace pare
