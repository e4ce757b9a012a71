#pragma once

#include <string>

#include "core/format/frozen.h"
#include "core/graph/op.h"

namespace pare {

enum class ModelFileKind { kPare, kOnnx, kPt2 };
const char* name_of(ModelFileKind kind);

/// By the name: .onnx, .pt2, and .pare for everything else.
ModelFileKind model_file_kind(const std::string& path);
/// True for files that other programs wrote: .onnx and .pt2.
inline bool is_foreign_model(const std::string& path) {
  return model_file_kind(path) != ModelFileKind::kPare;
}

/// Reads a .pare, .onnx or .pt2 file. Throws IoError, or ModelError naming the file.
FrozenModel read_model_file(const std::string& path, const OpTable& ops = builtin_ops());

}  // namespace pare
