#pragma once

#include "core/graph/graph.h"
#include "core/runtime/kernel.h"

namespace pare {

/// Rewrites islands DequantizeLinear -> operator [-> Relu or Clip] -> QuantizeLinear of a graph with concrete shapes into
/// integer nodes of the domain `pare.plan`, whose arithmetic is that of core/base/quant_math.h. Movement of elements
/// (slices, pads, max pools ...) between them is done on the bytes. What is incomplete stays as written. New values
/// carry dtype and shape; graph outputs keep their names.
void fuse_integer_islands(Graph& graph, Weights& weights);

}  // namespace pare
