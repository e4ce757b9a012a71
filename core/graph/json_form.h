#pragma once

#include "core/base/config_write.h"
#include "core/graph/graph.h"

namespace pare {

/// The graph as JSON, the form inside .pare files and checkpoints:
///   {"name": "resnet20",
///    "values": [{"name": "input", "role": "input", "dtype": "F32", "shape": ["N", 3, 32, 32]}, ...],
///    "nodes":  [{"name": "conv1", "op": "Conv", "inputs": [0, 1], "outputs": [7], "attrs": {"pads": {"is": [1, 1, 1, 1]}}}],
///    "outputs": [42]}
/// Values are named by their place in the list, -1 is an absent input; inputs come first, then constants, then
/// activations in node order. Attributes are tagged i, f, s, is or fs; infinities and NaN are the texts "inf", "-inf",
/// "nan". A shape is null before inference. Equal graphs (up to ids) give equal JSON.
Json to_json(const Graph& graph);

/// Inverse of `to_json`. Everything is checked: types, every index, name lengths, counts, structure. Operators of the
/// domain pare.plan are refused: they never leave a plan. Throws ModelError.
Graph graph_from_json(const Json& json);

}  // namespace pare
