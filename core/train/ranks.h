#pragma once

#include <ATen/core/Tensor.h>

#include "core/model/model.h"
#include "core/train/communicator.h"

namespace pare {

/// Sums `tensors` (one element type, one device) over ranks in place, weighted by `weight` on this rank, in flat
/// buckets: few large messages instead of one a tensor.
void all_reduce_weighted(Communicator& communicator, std::vector<at::Tensor>& tensors, double weight);

/// Gradients of all ranks become their weighted sum; so does `loss`, which is returned. A parameter without gradient is
/// left out, which must be so on all ranks alike.
double average_gradients(Communicator& communicator, const Model& model, double loss, double weight);

/// Every rank gets the main rank's parameters, buffers and link state.
void broadcast_model(Communicator& communicator, const Model& model);
/// The same for the buffers (running statistics) alone.
void broadcast_buffers(Communicator& communicator, const Model& model);

/// Compares a hash of parameters and link state (masks, scales). Throws ModelError on every rank when they differ.
void check_same_model(Communicator& communicator, const Model& model, int64_t epoch);

}  // namespace pare
