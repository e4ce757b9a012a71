#pragma once

#include <vector>

#include "core/graph/ties_builder.h"
#include "core/graph/ties_zero.h"

namespace pare {

/// Last step of `analyse`: numbers the units, lists their slices and puts like ones into groups.
DimGroups collect_units(const Graph& graph, const TieProgram& program, const std::vector<uint8_t>& candidate,
                        const ZeroSets& zero);

}  // namespace pare
