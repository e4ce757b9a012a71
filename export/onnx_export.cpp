#include "export/onnx_export.h"

#include "core/base/file.h"
#include "export/onnx_write.h"

namespace pare {

std::vector<std::string> export_onnx(const FrozenModel& model, const std::string& path, int64_t opset) {
  OnnxExport out = to_onnx(model, opset);
  write_file_atomic(path, std::string_view(onnx::serialize(out.model)));
  return out.caveats;
}

}  // namespace pare
