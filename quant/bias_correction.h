#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "core/model/model.h"
#include "quant/placement.h"

namespace pare {

/// Empirical bias correction (Nagel et al., 1906.04721): layer by layer in graph order, moves each bias by the mean
/// difference per output channel between the float model and the quantized one, whose earlier layers are corrected
/// already. Both graphs share value ids for the layers' outputs. Layers without a bias are left as they are.
void correct_biases(Model& quantized, Model& reference, const QuantPlan& plan, const std::vector<at::Tensor>& batches);

/// Per-channel mean [C] over the batches of the outputs of `nodes`; channel dim 1, or the last for MatMul.
std::vector<at::Tensor> output_means(Model& model, const std::vector<NodeId>& nodes,
                                     const std::vector<at::Tensor>& batches);

}  // namespace pare
