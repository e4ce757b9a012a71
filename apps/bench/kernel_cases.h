#pragma once

#include <string>
#include <vector>

#include "core/format/frozen.h"

namespace pare::bench {

/// No patterns: a dense weight.
inline constexpr double kAll = 2.0;

/// An operator on one random input.
struct LayerSpec {
  std::string op;
  Shape x;
  Shape w;  ///< of a constant second operand; empty: what the operator needs besides x
  Attrs attrs;
  bool integer = false;  ///< int8 weights, between QuantizeLinear and DequantizeLinear pairs
  std::string after;     ///< operator behind it, or empty
  double kept = kAll;    ///< share of the 3x3 kernels that keep four elements; the others are zero
};
FrozenModel layer_model(const LayerSpec& spec);
/// Uniform in [-1, 1).
Tensor random_floats(const Shape& shape, uint64_t seed);

/// One layer as a model of its own, with an input.
struct KernelCase {
  std::string name;
  std::string op;  ///< operator whose kernels compete
  FrozenModel model;
  Tensor input;
};

/// Layers of VGG-16, ResNet-50 and their CIFAR sizes, in float32 and as integer islands.
std::vector<KernelCase> kernel_cases();

}  // namespace pare::bench
