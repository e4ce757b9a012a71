#pragma once

#include <ATen/core/Tensor.h>

#include "core/base/rng.h"
#include "core/format/frozen.h"
#include "core/graph/graph.h"
#include "core/model/model.h"

namespace pare::testing {

/// Folding BatchNorm rescales weights in double and rounds once; 20 layers of fp32 follow.
inline constexpr double kFoldTolerance = 1e-4;

/// Standard normal F32 values of a fixed stream.
Tensor random_tensor(const Shape& shape, uint64_t seed = 1);
at::Tensor random(const Shape& shape, uint64_t seed = 1);
/// Largest absolute difference; both tensors as double. Shapes must agree (else infinity).
double max_difference(const at::Tensor& a, const at::Tensor& b);
double max_abs(const at::Tensor& a);
bool same_bits(const at::Tensor& a, const at::Tensor& b);
/// Graph and dense constants as a frozen model, for the executor.
FrozenModel as_frozen(const Graph& graph, const ConstantStore& constants);
/// A folder of its own for a test's files, emptied.
std::string scratch_folder(const std::string& name);

}  // namespace pare::testing
