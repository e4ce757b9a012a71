#pragma once

#include <functional>
#include <vector>

#include "core/graph/remap.h"
#include "core/graph/ties.h"

namespace pare {

/// Units to remove, indices into DimGroups::units.
struct Selection {
  std::vector<int32_t> units;
  bool allow_inexact = false;  ///< also units whose removal changes more than zeroing them does
};

struct SurgeryResult {
  GraphWithConstants model;
  Remap remap;  ///< kSliced with cuts for constants that shrank, kNew for literals that compensate or index
};

/// Runs a model on inputs of the caller's choice and returns its outputs (any float dtype).
using Evaluate = std::function<std::vector<Tensor>(const GraphWithConstants&)>;

/// Largest |masked - removed| that the comparison accepts, relative to the largest |masked| output: fp32 sums in
/// another order.
inline constexpr double kSurgeryTolerance = 1e-4;

/// Removes units: slices every constant, fixes attributes (groups, sizes, pads ...), infers and verifies the new graph,
/// and compares each inferred shape with the analysis. With `evaluate`, the outputs of the zeroed and of the smaller
/// model are compared as well (exact and compensated units only). `groups` must stem from this very graph.
/// Throws ModelError when the selection would empty a dim, holds inexact units without leave, or a check fails;
/// the model passed in is never changed.
SurgeryResult remove_units(const GraphWithConstants& model, const OpTable& ops, const DimGroups& groups,
                           const Selection& selection, const Evaluate& evaluate = {},
                           double tolerance = kSurgeryTolerance);

/// The graph that remove_units would return, with inferred shapes but without slicing a tensor: for budgets and plans
/// that try many selections. Inexact units are allowed.
Graph preview_removal(const GraphWithConstants& model, const OpTable& ops, const DimGroups& groups,
                      const Selection& selection);

/// The masked model: the constants with everything zero that has to be for the units to count as zeroed.
/// Untouched tensors are shared.
ConstantStore zero_units(const ConstantStore& constants, const DimGroups& groups, const Selection& selection);

/// Whether the selection leaves at least one cell on every dim.
bool leaves_cells(const DimGroups& groups, const Selection& selection);

}  // namespace pare
