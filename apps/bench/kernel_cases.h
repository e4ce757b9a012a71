#pragma once

#include <string>
#include <vector>

#include "core/format/frozen.h"

namespace pare::bench {

/// One layer as a model of its own, with an input.
struct KernelCase {
  std::string name;
  std::string op;      ///< operator whose kernels compete
  FrozenModel model;
  Tensor input;
};

/// Layers of VGG-16, ResNet-50 and their CIFAR sizes, in float32 and as integer islands.
std::vector<KernelCase> kernel_cases();

}  // namespace pare::bench
