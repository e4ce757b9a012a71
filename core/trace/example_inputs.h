#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace pare {

/// Inputs to run a model with from texts like "1x3x32x32" (standard normal values, F32) and "2x128:i64" (zeros and
/// ones, which are token ids and masks anywhere). The same each time. Throws ConfigError for other texts.
std::vector<at::Tensor> example_inputs(const std::vector<std::string>& shapes);

}  // namespace pare
