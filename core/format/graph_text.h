#pragma once

#include <string>
#include <string_view>

#include "core/graph/graph.h"

namespace pare {

/// The graph as the compact JSON of a .pare file (FORMAT.md): the content of core/graph/json_form.h without what follows
/// from the order, about a third of its size. Throws ModelError when a name is not UTF-8.
std::string graph_to_text(const Graph& graph);
/// Inverse; everything is checked. Throws ModelError naming `where`.
Graph graph_from_text(std::string_view text, std::string_view where);

}  // namespace pare
