#pragma once

#include <string>
#include <vector>

#include "core/format/frozen.h"
#include "export/manifest.h"
#include "export/onnx_export.h"

namespace pare {

struct ArtifactOptions {
  std::vector<std::string> formats = {"pare", "onnx"};  ///< of "pare", "onnx", "safetensors"
  int64_t opset = kDefaultOnnxOpset;                    ///< 13 to 21
  bool strip = false;                                   ///< leave recipe and golden samples out of model.pare
};

/// Writes model.pare, model.onnx and model.safetensors (decoded weights by name) as asked for, golden.safetensors when the
/// model has more golden samples than fit the container, and manifest.json last, so that an unfinished folder has none.
/// `folder` is created. Throws ConfigError on an unknown format, ModelError, IoError.
Manifest write_artifact(const FrozenModel& model, const std::string& folder, const ArtifactOptions& options = {});

}  // namespace pare
