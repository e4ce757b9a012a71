#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "core/base/config_write.h"

namespace pare {

/// JSON as bytes [n] kByte and back, for modifiers whose state is more than tensors. Throws ModelError for other bytes.
at::Tensor json_bytes(const Json& json);
Json json_from_bytes(const at::Tensor& bytes, const std::string& where);

}  // namespace pare
