#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/format/frozen.h"
#include "core/graph/op.h"

namespace pare {

/// Reads an ONNX file (opset 11 to 28, one file). Integer weights behind DequantizeLinear become affine constants, half
/// ones behind Cast half constants. Constant inputs become attributes where the graph has attributes.
/// Throws IoError, or ModelError naming the file: all nodes that cannot be represented at once, each with its reason.
FrozenModel import_onnx(const std::string& path, const OpTable& ops = builtin_ops());
/// The same from memory; `owner` keeps `bytes` alive.
FrozenModel import_onnx(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::string& where,
                        const OpTable& ops = builtin_ops());
/// The same with all constants decoded, as a model to train.
GraphWithConstants import_onnx_graph(const std::string& path, const OpTable& ops = builtin_ops());
/// The ONNX operators that the importer has a rule for, in alphabetical order.
std::vector<std::string> onnx_operators();

}  // namespace pare
