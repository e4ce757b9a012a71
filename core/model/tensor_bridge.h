#pragma once

#include <ATen/core/Tensor.h>

#include "core/base/tensor.h"

namespace pare {

at::ScalarType to_torch(DType dtype);
/// Throws ModelError for element types that pare does not know (complex, quantized ...).
DType from_torch(at::ScalarType type);

/// Torch tensor <-> torch-free handle, sharing memory (a tensor on a device, or one that is not contiguous, is copied
/// first). What is lent changes when its owner writes; what is borrowed must not be written.
Tensor lend(const at::Tensor& tensor);
at::Tensor borrow(const Tensor& tensor);

}  // namespace pare
