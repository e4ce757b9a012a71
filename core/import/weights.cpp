#include "core/import/weights.h"

#include <cstring>

#include "core/base/file.h"
#include "core/format/pare_file.h"
#include "core/format/safetensors.h"
#include "core/import/state_dict.h"

namespace pare {
namespace {

// torch.save before 1.6 wrote a bare pickle that begins with a protocol number and this integer of 10 bytes.
bool is_old_torch_file(std::span<const std::byte> bytes) {
  constexpr char kMagic[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  return bytes.size() >= sizeof kMagic - 1 && std::memcmp(bytes.data(), kMagic, sizeof kMagic - 1) == 0;
}

}  // namespace

ConstantStore load_weights(const std::string& path) {
  const auto mapped = MappedFile::open(path);
  PARE_CHECK(!is_old_torch_file(mapped->bytes()), ModelError,
             "[pth {}] expected the zip format of PyTorch 1.6 and later. Convert: torch.save(torch.load(path), path)",
             path);
  std::map<std::string, Tensor> tensors;
  if (is_zip(mapped->bytes())) {
    tensors = parse_state_dict(mapped->bytes(), mapped, path);
  } else {
    SafetensorsFile file = parse_safetensors(mapped->bytes(), mapped, path);
    if (file.metadata.count("pare.format")) return decode_constants(load_pare(path));
    tensors = std::move(file.tensors);
  }
  ConstantStore out;
  for (const auto& [name, tensor] : tensors) {
    const bool half = tensor.dtype() == DType::kF16 || tensor.dtype() == DType::kBF16;
    out.set(name, half ? tensor.to(DType::kF32) : tensor);
  }
  return out;
}

}  // namespace pare
