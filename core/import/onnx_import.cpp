#include "core/import/onnx_import.h"

#include "core/base/file.h"
#include "core/import/onnx_raise.h"

namespace pare {

FrozenModel import_onnx(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::string& where,
                        const OpTable& ops) {
  const onnx::Model model = onnx::parse(bytes, std::move(owner), where);
  return onnx::Raiser(model, ops, where).finish();
}

FrozenModel import_onnx(const std::string& path, const OpTable& ops) {
  const auto file = MappedFile::open(path);
  return import_onnx(file->bytes(), file, path, ops);
}

GraphWithConstants import_onnx_graph(const std::string& path, const OpTable& ops) {
  FrozenModel frozen = import_onnx(path, ops);
  ConstantStore constants = decode_constants(frozen);
  return {std::move(frozen.graph), std::move(constants)};
}

}  // namespace pare
