#pragma once

#include <string>

#include "core/format/frozen.h"
#include "core/job/registry.h"

namespace pare {

/// A frozen model from a .pare, .onnx or .pt2 file, or from a checkpoint, which is frozen here. Golden samples beside a .pare
/// file (golden.safetensors) are read too; a model without any gets random inputs with the outputs of its own operators.
FrozenModel open_frozen(const std::string& path, const Registry& registry);

}  // namespace pare
