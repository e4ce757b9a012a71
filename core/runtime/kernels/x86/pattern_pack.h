#pragma once

#include "core/runtime/kernel.h"
#include "core/runtime/kernels/ref/conv_geometry.h"

namespace pare::x86 {

/// A 3x3 weight whose kernels keep at most four elements, as runs: kernels of one input channel with one pattern, block of
/// filters after block, channel after channel.
struct PatternPack {
  Tensor runs;     ///< kI32 [runs, 2 + taps]: input channel, kernels, the taps' elements of the kernel (0 to 8)
  Tensor blocks;   ///< kI32 [blocks + 1, 2]: first run and first kernel of each block
  Tensor filters;  ///< kU16 [kernels]: filter of the block
  Tensor weights;  ///< F32 or I16 [kernels, taps]
};

/// Packs `weight` ([O, I * 9] in either type); undefined tensors unless every kernel keeps four elements at most and the
/// runs are worth it: `lanes` is the share of vector lanes that hold pixels, `rival` the time of the dense kernel that would
/// run instead, over that of a direct convolution.
PatternPack pack_patterns(const Tensor& weight, int64_t block, double lanes, double rival);

}  // namespace pare::x86
