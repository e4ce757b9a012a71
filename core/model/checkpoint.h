#pragma once

#include <map>
#include <string>

#include "core/base/config_write.h"
#include "core/model/model.h"

namespace pare {

/// What a caller stores beside the model: optimizer state, moving averages, loader position, journal entries ...
struct CheckpointExtras {
  /// Any element type; a name is a path such as "optimizer/layer1.0.conv1.weight/momentum".
  std::map<std::string, at::Tensor> tensors;
  Json json = Json::object();
};

struct Checkpoint {
  Model model;
  CheckpointExtras extras;
};

/// Writes graph, raw tensors, chains and `extras` as one safetensors file, atomically. The same content gives the same
/// bytes. Throws IoError.
void save_checkpoint(const std::string& path, const Model& model, const CheckpointExtras& extras = {});

/// Needs nothing but the file; the model is on the CPU in evaluation mode. Throws IoError when the file cannot be read,
/// ModelError naming the file when its content is wrong.
Checkpoint load_checkpoint(const std::string& path, OpTable ops = builtin_ops(),
                           TorchOps torch_ops = builtin_torch_ops(), const ChainFactories& chains = builtin_chains());

/// True when the file is a checkpoint (and not, say, a .pare file).
bool is_checkpoint(const std::string& path);

}  // namespace pare
