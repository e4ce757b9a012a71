#pragma once

#include <memory>
#include <span>
#include <string>

#include "core/format/frozen.h"
#include "core/graph/op.h"

namespace pare {

/// Reads a torch.export archive (`torch.export.save`, PyTorch 2.9 and later) without Python. Layers keep the names of
/// their modules, constants those of the state dict. Throws IoError, or ModelError naming the file: all calls that
/// cannot be represented at once, each with its reason.
FrozenModel import_pt2(const std::string& path, const OpTable& ops = builtin_ops());
/// The same from memory; `owner` keeps `bytes` alive.
FrozenModel import_pt2(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::string& where,
                       const OpTable& ops = builtin_ops());

}  // namespace pare
