#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "core/graph/remap.h"

namespace pare {

/// The entry of a parameter of the new model: kept under its own name when the remap does not speak of it.
ParamRemap entry_of(const Remap& remap, const std::string& name);
/// True when per-parameter state of the old model can follow (kept or sliced).
bool has_source(const ParamRemap& entry);
/// State of the parameter's shape, cut as the entry says: bit-equal slices, a copy unless kept.
at::Tensor moved_tensor(const ParamRemap& entry, at::Tensor tensor);

}  // namespace pare
