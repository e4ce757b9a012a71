#include "core/graph/passes/remove_dead.h"

#include <algorithm>
#include <set>

namespace pare {

void drop_unused_constants(GraphWithConstants& model, Remap& remap) {
  model.graph.erase_unused_constants();
  std::vector<std::string> gone;
  for (const auto& entry : model.constants.map()) {
    const ValueId id = model.graph.find_value(entry.first);
    if (id == kNoValue || !model.graph.value(id).is_constant()) gone.push_back(entry.first);
  }
  for (const auto& name : gone) {
    model.constants.erase(name);
    // A constant that this very step made and dropped again was never there.
    const auto made = remap.entries.find(name);
    const bool fresh = made != remap.entries.end() && made->second.kind == ParamRemap::Kind::kNew;
    if (made != remap.entries.end()) remap.entries.erase(made);
    if (!fresh) remap.removed.push_back(name);
  }
}

Remap remove_dead(GraphWithConstants& model) {
  Graph& graph = model.graph;
  std::set<ValueId> needed(graph.outputs().begin(), graph.outputs().end());
  const std::vector<NodeId> order = graph.order();
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const Node& node = graph.node(*it);
    const bool live = std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId id) { return needed.count(id) != 0; });
    if (live) needed.insert(node.inputs.begin(), node.inputs.end());
    else graph.erase_node(*it);
  }
  Remap remap;
  drop_unused_constants(model, remap);
  return remap;
}

}  // namespace pare
