#include "core/import/weights.h"

#include "core/format/pare_file.h"
#include "core/format/safetensors.h"

namespace pare {

ConstantStore load_weights(const std::string& path) {
  SafetensorsFile file = read_safetensors(path);
  if (file.metadata.count("pare.format")) return decode_constants(load_pare(path));
  ConstantStore out;
  for (const auto& [name, tensor] : file.tensors) {
    const bool half = tensor.dtype() == DType::kF16 || tensor.dtype() == DType::kBF16;
    out.set(name, half ? tensor.to(DType::kF32) : tensor);
  }
  return out;
}

}  // namespace pare
