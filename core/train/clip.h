#pragma once

#include "core/model/model.h"

namespace pare {

/// Scales all gradients (parameters and link state) so that their joint 2-norm is at most `max_norm`, as
/// torch.nn.utils.clip_grad_norm_ does. Returns the norm before.
double clip_gradients(const Model& model, double max_norm);

}  // namespace pare
