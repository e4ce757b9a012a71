#pragma once

#include <ATen/core/ivalue.h>

#include <string>
#include <vector>

#include "core/import/aten_program.h"

namespace torch::jit {
struct Graph;
}

namespace pare {

/// A parameter or buffer of a module by its name in the state dict.
struct NamedTensor {
  std::string key;
  at::Tensor tensor;
  Role role = Role::kParameter;
};

/// What one run of a TorchScript graph on example inputs called. All sizes are those of the examples.
struct Recording {
  aten::Program program;
  std::vector<at::Tensor> outputs;
};

/// Runs `graph`, whose methods have been inlined, on `arguments` (the module itself, examples, parameters, as the graph
/// wants them) and records each ATen call that depends on an example or on a parameter. Everything else (sizes, lists,
/// branches, loops, tensors without either) is evaluated by libtorch and leaves numbers and literals. Throws ModelError
/// naming `where`, the node and its source line: a branch or a size that depends on what a tensor holds, calls that
/// change attributes or give other results each time.
Recording record(const torch::jit::Graph& graph, const std::vector<c10::IValue>& arguments,
                 const std::vector<at::Tensor>& examples, const std::vector<NamedTensor>& named,
                 const std::string& where);

}  // namespace pare
