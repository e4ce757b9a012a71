#pragma once

#include <string>
#include <vector>

#include "core/format/frozen.h"
#include "core/graph/op.h"
#include "core/import/onnx_model.h"

namespace pare {

inline constexpr int64_t kMinOnnxOpset = 13, kMaxOnnxOpset = 21, kDefaultOnnxOpset = 17;

struct OnnxExport {
  onnx::Model model;
  std::vector<std::string> caveats;  ///< what the file cannot say: compression that became dense floats, for instance
};

/// The ONNX form of a frozen model. Affine constants become integer tensors behind DequantizeLinear (an int32 bias one a
/// consumer, as runtimes want it), half constants tensors behind Cast; operators that `opset` (13..21) lacks are written
/// as several older ones. Throws ModelError naming the nodes that cannot be written, ConfigError on another opset.
OnnxExport to_onnx(const FrozenModel& model, int64_t opset = kDefaultOnnxOpset, const OpTable& ops = builtin_ops());

/// Writes the bytes of `to_onnx` atomically and returns the caveats.
std::vector<std::string> export_onnx(const FrozenModel& model, const std::string& path, int64_t opset = kDefaultOnnxOpset);

}  // namespace pare
