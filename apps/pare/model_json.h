#pragma once

#include <map>
#include <string>

#include "core/base/config_write.h"
#include "core/graph/graph.h"

namespace pare {

/// Name, element type and shape of a value, as `pare inspect` and `pare import` print them.
Json value_json(const Graph& graph, ValueId id);
/// Every symbol of the inputs bound to 1.
std::map<std::string, int64_t> bindings_of(const Graph& graph);
/// A cell of a table: numbers with commas, lists in brackets.
std::string cell_text(const Json& value);

}  // namespace pare
