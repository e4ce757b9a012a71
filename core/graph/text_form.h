#pragma once

#include <string>
#include <string_view>

#include "core/graph/graph.h"

namespace pare {

/// The graph as text for people and tests, one line a value or node:
///   graph resnet20
///   input input: F32[N, 3, 32, 32]
///   parameter conv1.weight: F32[16, 3, 3, 3]
///   conv1: F32[N, 16, 32, 32] = Conv(input, conv1.weight) {pads=[1, 1, 1, 1], strides=[1, 1]}
///   [a: F32[N, 8], b: F32[N, 8]] = Split(x) {axis=1} @ split1
///   output linear
/// `_` is an absent input, a node is named behind `@` unless it is called like its single output. Names with other
/// characters than letters, digits and ._:/- are quoted; a shape that is unknown reads `?`.
std::string print_graph(const Graph& graph);

/// Inverse of `print_graph`; lines that start with # are comments. Throws ModelError with the line number.
Graph parse_graph(std::string_view text);

}  // namespace pare
