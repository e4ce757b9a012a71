#pragma once
// Tie rules of the operators (structured pruning), one file a family beside the shape rules.

#include "core/graph/op.h"
#include "core/graph/ties_builder.h"

namespace pare {

/// Gives every operator of the table that has one its `ties` rule; the others freeze what they touch.
void add_tie_rules(OpTable& ops);

// One registration function a family.
void add_activation_ties(OpTable& ops);
void add_conv_ties(OpTable& ops);
void add_elementwise_ties(OpTable& ops);
void add_matmul_ties(OpTable& ops);
void add_movement_ties(OpTable& ops);
void add_norm_ties(OpTable& ops);
void add_pool_ties(OpTable& ops);
void add_quant_ties(OpTable& ops);
void add_reduce_ties(OpTable& ops);
void add_shape_ties(OpTable& ops);
void add_slice_ties(OpTable& ops);

/// Sets the rule of an operator; operators that the table lacks are skipped.
void set_ties(OpTable& ops, const char* name, std::function<void(TieBuilder&)> rule);

/// Negative axis wrapped into [0, rank).
inline int64_t wrapped(int64_t axis, int64_t rank) { return axis < 0 ? axis + rank : axis; }

/// Input 0 and output 0 have like dims, tied one to one; with `zeros`, zero stays zero.
void tie_through(TieBuilder& ties, bool zeros);
/// The dims of input i that reach the output's (numpy broadcast) are tied to them. Returns for each output dim the
/// input's axis, or kNoAxis where it is broadcast along it.
std::vector<AxisId> tie_broadcast(TieBuilder& ties, size_t i);

}  // namespace pare
