#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "pruning/criteria/criterion.h"

namespace pare {

class Job;

/// Passes that a criterion asks for, of the cross entropy over training batches with the model in eval mode; none when
/// it needs no gradients. Throws ConfigError without labelled training data.
GradientPasses gradient_passes(Job& job, const CriterionConfig& criterion);
void clear_gradients(Model& model);

/// A few training images (or random inputs where the job has no data) to compare two models on.
std::vector<at::Tensor> probe_inputs(Job& job);

}  // namespace pare
