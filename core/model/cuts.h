#pragma once

#include <ATen/core/Tensor.h>

#include "core/graph/remap.h"

namespace pare {

/// The slice of `tensor` that the cuts of `entry` keep, in their order; the same handle without cuts. Throws ModelError
/// when a dim or index lies outside.
at::Tensor apply_cuts(at::Tensor tensor, const ParamRemap& entry);

}  // namespace pare
