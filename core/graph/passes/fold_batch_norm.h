#pragma once

#include "core/graph/graph.h"
#include "core/graph/remap.h"

namespace pare {

/// Folds every BatchNormalization of constant parameters into the Conv, ConvTranspose or Gemm that alone feeds it:
/// w' = w * s, b' = (b - mean) * s + bias with s = scale / sqrt(var + epsilon), in double, rounded once. The layer keeps
/// its weight's name (kMerged); a missing bias becomes `<node>.bias` (kNew). Others become Mul and Add with new
/// constants `<node>.scale` and `<node>.shift` [C, 1, ...]. Inference semantics (Jacob et al., CVPR 2018).
Remap fold_batch_norm(GraphWithConstants& model);

}  // namespace pare
