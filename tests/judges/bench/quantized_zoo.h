#pragma once
// Zoo models as they are deployed: batch norms folded, and the same with 8-bit weights and activations.

#include "core/format/frozen.h"

namespace pare::test {

/// Float32, one image [1, channels, size, size]; size 0: the model's own.
FrozenModel deployed_model(const std::string& name, int64_t size);
/// u8 activations on every edge with ranges measured on one random image, s8 weights per channel, int32 biases.
FrozenModel quantized_model(const FrozenModel& model);
/// Whether the model has one input of floats.
bool reads_images(const FrozenModel& model);
/// One image for the model's input, the same at every call.
Tensor sample_input(const FrozenModel& model);

}  // namespace pare::test
