#pragma once

#include <string>
#include <vector>

#include "core/graph/graph.h"

namespace pare {

/// Operators that only plans use; see integer_islands.h and float_epilogues.h.
inline constexpr const char* kPlanDomain = "pare.plan.";

/// "Conv" for "pare.plan.QLinearConv" and "pare.plan.FusedConv"; other operators are their own.
std::string float_op_of(const std::string& op);
/// Only one node reads the value and the caller does not see it.
bool is_inner(const Graph& graph, ValueId id);
/// Adds a node of one output right behind `after`; the name is made free.
ValueId insert_after(Graph& graph, NodeId after, const std::string& op, const std::string& name,
                     std::vector<ValueId> inputs, Attrs attrs, DType dtype, const DimShape& dims);

}  // namespace pare
