#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/config_write.h"
#include "core/base/preprocess.h"
#include "core/format/encoding.h"
#include "core/graph/graph.h"

namespace pare {

/// Inputs with the outputs that the frozen model gave on the training side, in graph order.
struct GoldenSample {
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
};

/// What freeze() hands over and exporters and the executor read. Torch-free.
/// A quantized model has QuantizeLinear/DequantizeLinear nodes on activation edges; its weights and biases are
/// F32 constants with an affine Encoding (bias: 32 bits, scale = sx*sw).
struct FrozenModel {
  Graph graph;
  std::map<std::string, EncodedTensor> constants;
  std::vector<GoldenSample> golden;
  Preprocess preprocess;
  std::vector<std::string> labels;
  Json metadata = Json::object();   ///< "recipe", "pare_version", "target", "metrics" ...
};

/// All constants decoded to dense tensors.
ConstantStore decode_constants(const FrozenModel& model);

}  // namespace pare
