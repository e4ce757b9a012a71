#pragma once

#include <map>
#include <string>

#include "core/base/tensor.h"

namespace pare {

/// Reads a NumPy .npy file (versions 1 to 3, C order, little-endian numbers or bool), memory-mapped.
/// Throws DataError naming the path.
Tensor read_npy(const std::string& path);

/// The tensors of a .safetensors file by name, memory-mapped. Throws DataError naming the path and the tensor.
std::map<std::string, Tensor> read_tensors(const std::string& path);

}  // namespace pare
