#pragma once

#include "core/job/registry.h"

namespace example {

/// y = max(x, 0)^2, elementwise (the activation of Primer, 2109.08668).
inline constexpr const char* kSquaredRelu = "example.SquaredRelu";

/// Adds the operator to everything that has to know it: graphs, training and execution.
void add_squared_relu(pare::Registry& registry);

}  // namespace example
