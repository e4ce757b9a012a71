#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <vector>

#include "core/model/model.h"

namespace pare {

/// A part of a graph between two sets of values, resolved once: running it looks nothing up.
struct Program {
  struct Step {
    const Node* node = nullptr;
    const TorchOp* op = nullptr;
    std::vector<int> inputs;    ///< slots; -1 for an absent input
    std::vector<int> outputs;
    std::vector<int> release;   ///< slots that nothing reads behind this step
    bool overwrite = false;     ///< the result may take the first input's memory
  };
  int slots = 0;
  bool convolves = false;                      ///< has a convolution: maps are kept channels-last on the CPU
  std::vector<int> cut;                        ///< slot of each cut value; -1 when nothing needs it
  std::vector<std::pair<int, size_t>> loads;   ///< slot <- effective parameter
  std::vector<Step> steps;
  std::vector<int> fetch;
};

/// `param_of`: constant value -> index of its parameter. Throws ModelError when `cut` does not cut `fetch` off from the
/// graph inputs.
Program build_program(const Graph& graph, const TorchOps& ops, const std::map<ValueId, size_t>& param_of,
                      const std::vector<ValueId>& cut, const std::vector<ValueId>& fetch);

/// Runs the steps on filled slots; ATen's errors become ModelError naming the node.
void run_steps(const Program& program, std::vector<at::Tensor>& slots, bool training, at::Generator& generator);

}  // namespace pare
