#include "core/import/model_file.h"

#include "core/base/error.h"
#include "core/format/pare_file.h"
#include "core/import/onnx_import.h"
#include "core/import/pt2_import.h"

namespace pare {

const char* name_of(ModelFileKind kind) {
  switch (kind) {
    case ModelFileKind::kOnnx:
      return "onnx";
    case ModelFileKind::kPt2:
      return "pt2";
    default:
      return "pare";
  }
}

ModelFileKind model_file_kind(const std::string& path) {
  if (path.ends_with(".onnx")) return ModelFileKind::kOnnx;
  return path.ends_with(".pt2") ? ModelFileKind::kPt2 : ModelFileKind::kPare;
}

FrozenModel read_model_file(const std::string& path, const OpTable& ops) {
  PARE_CHECK(!path.ends_with(".pt") && !path.ends_with(".pth"), ModelError,
             "[model {}] expected a .pare, .onnx or .pt2 file. Import it first: pare import", path);
  switch (model_file_kind(path)) {
    case ModelFileKind::kOnnx:
      return import_onnx(path, ops);
    case ModelFileKind::kPt2:
      return import_pt2(path, ops);
    default:
      return load_pare(path);
  }
}

}  // namespace pare
