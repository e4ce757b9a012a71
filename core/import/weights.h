#pragma once

#include <string>

#include "core/graph/graph.h"

namespace pare {

/// Weights by name from a safetensors file, a PyTorch state dict (`.pth`, `.pt`, see core/import/state_dict.h), or the
/// decoded constants of a .pare file; which one the content says. F16 and BF16 tensors are widened to F32. Throws
/// IoError, or ModelError naming the file. Whether names and shapes fit is the business of the model.
ConstantStore load_weights(const std::string& path);

}  // namespace pare
