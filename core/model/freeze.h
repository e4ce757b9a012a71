#pragma once

#include "core/format/frozen.h"
#include "core/model/model.h"

namespace pare {

struct FreezeOptions {
  Preprocess preprocess;
  std::vector<std::string> labels;
  Json metadata = Json::object();
};

/// The one cut between training and deployment. On a copy: chains are applied and encoded, BatchNorm is folded into a
/// preceding conv/gemm (or becomes a Mul/Add), Dropout and Identity go, FakeQuant nodes become QuantizeLinear and
/// DequantizeLinear pairs, and the golden outputs are computed for `samples` (each: one tensor per graph input).
/// The model is unchanged.
FrozenModel freeze(const Model& model, const std::vector<std::vector<Tensor>>& samples, const FreezeOptions& options = {});

/// A frozen model (or a .pare file) read back as a trainable model: dense weights, masks and scales as chains.
Model thaw(const FrozenModel& frozen, OpTable ops = builtin_ops(), TorchOps torch_ops = builtin_torch_ops());

}  // namespace pare
