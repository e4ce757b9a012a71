#pragma once

#include "core/graph/graph.h"
#include "core/graph/remap.h"

namespace pare {

struct RemoveIdentityOptions {
  bool dropout = false;  ///< Dropout too: only where the graph is no longer trained
};

/// Removes nodes whose output is their input: Identity, Cast to the same dtype, Pad by zero, Transpose that keeps the
/// order, Reshape, Expand, Squeeze or Slice to the same shape. Shapes must have been inferred. An output of the graph
/// keeps its name, and its node where that is all between it and an input or another output.
Remap remove_identity(GraphWithConstants& model, RemoveIdentityOptions options = {});

}  // namespace pare
