#pragma once

#include <ATen/core/Tensor.h>

#include "core/format/encoding.h"

namespace pare {

/// Scale cells [cells] of an encoding as a tensor that broadcasts to a parameter of `shape`.
at::Tensor spread_cells(const at::Tensor& cells, const Encoding& encoding, at::IntArrayRef shape);

}  // namespace pare
