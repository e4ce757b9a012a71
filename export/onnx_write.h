#pragma once

#include <string>

#include "core/import/onnx_model.h"

namespace pare::onnx {

/// The protobuf bytes of a model; initializers in name order, so the same model gives the same bytes.
/// Throws ModelError when they exceed the 2 GiB that protobuf allows, or on an attribute that cannot be written.
std::string serialize(const Model& model);

}  // namespace pare::onnx
