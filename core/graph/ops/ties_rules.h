#pragma once
// Tie rules of the operators (structured pruning), one file a family beside the shape rules.

#include <functional>
#include <map>
#include <string>

#include "core/graph/ties_builder.h"

namespace pare {

using TieRules = std::map<std::string, std::function<void(TieBuilder&)>>;

/// The rules by operator; operators without one freeze what they touch. Apart from the operator table, so that what only
/// runs a model does not link them.
TieRules builtin_tie_rules();

// One registration function a family.
void add_activation_ties(TieRules& rules);
void add_conv_ties(TieRules& rules);
void add_elementwise_ties(TieRules& rules);
void add_matmul_ties(TieRules& rules);
void add_movement_ties(TieRules& rules);
void add_norm_ties(TieRules& rules);
void add_pool_ties(TieRules& rules);
void add_quant_ties(TieRules& rules);
void add_reduce_ties(TieRules& rules);
void add_shape_ties(TieRules& rules);
void add_slice_ties(TieRules& rules);

/// Negative axis wrapped into [0, rank).
inline int64_t wrapped(int64_t axis, int64_t rank) { return axis < 0 ? axis + rank : axis; }

/// Input 0 and output 0 have like dims, tied one to one; with `zeros`, zero stays zero.
void tie_through(TieBuilder& ties, bool zeros);
/// The dims of input i that reach the output's (numpy broadcast) are tied to them. Returns for each output dim the
/// input's axis, or kNoAxis where it is broadcast along it.
std::vector<AxisId> tie_broadcast(TieBuilder& ties, size_t i);

}  // namespace pare
