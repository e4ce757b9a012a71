#pragma once

#include <string>
#include <vector>

#include "core/trace/recording.h"

namespace pare {

/// True for zip archives that torch.jit.save wrote.
bool is_torchscript(const std::string& path);

/// Shapes of the inputs that torch.jit.trace followed the model with, as `example_inputs` reads them; empty when the
/// file does not say (scripts and frozen models).
std::vector<std::string> traced_shapes(const std::string& path);

/// Reads a TorchScript file (torch.jit.trace, script or freeze; PyTorch 1.6 to 2.x) in evaluation mode and follows it
/// on the examples. Layers keep the names of their modules, constants those of the state dict (frozen files have lost
/// them). The file is loaded by libtorch, which runs code that it holds: open files of people you trust. Throws
/// IoError, or ModelError naming the file and, where it can, the line of the model's source.
Traced import_torchscript(const std::string& path, const std::vector<at::Tensor>& examples,
                          const TraceOptions& options = {}, const OpTable& ops = builtin_ops(),
                          const TorchOps& torch_ops = builtin_torch_ops());

}  // namespace pare
