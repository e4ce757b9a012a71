#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/train/train_config.h"

namespace pare {

/// Mean cross entropy of `logits` [N, classes] and `labels` [N] int64, targets mixed with `smoothing` of the uniform
/// distribution (1512.00567). Scalar. Throws DataError when a label is not in [0, classes).
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels, double smoothing = 0.0);

/// Mean squared difference of `logits` [N, classes] and the one-hot `labels` [N] int64. Scalar.
at::Tensor one_hot_mse(const at::Tensor& logits, const at::Tensor& labels);

/// Distance of a model's outputs from a reference model's, summed over the outputs. kMse: mean squared difference;
/// kKl: KL(reference || model) of the softmaxes over the last dim, mean over the rest. Scalar.
at::Tensor match_outputs(const std::vector<at::Tensor>& outputs, const std::vector<at::Tensor>& reference,
                         Divergence divergence);

}  // namespace pare
