#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "pruning/criteria/criterion.h"

namespace pare {

class Job;

/// Mean gradients of the cross entropy over training batches, left in the parameters' `.grad`. The model runs in eval
/// mode. Throws ConfigError without labelled training data.
void accumulate_gradients(Job& job, const TaylorCriterion& config);
void clear_gradients(Model& model);

/// A few training images (or random inputs where the job has no data) to compare two models on.
std::vector<at::Tensor> probe_inputs(Job& job);

}  // namespace pare
