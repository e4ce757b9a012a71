#pragma once

#include "core/graph/remap.h"
#include "core/graph/graph.h"

namespace pare {

/// Removes nodes that no output depends on and constants that no node reads (from the ConstantStore too). Inputs stay.
Remap remove_dead(GraphWithConstants& model);

/// Drops the constants that nothing reads any more and adds them to `remap.removed`.
void drop_unused_constants(GraphWithConstants& model, Remap& remap);

}  // namespace pare
