#pragma once

#include <vector>

#include "core/graph/remap.h"
#include "core/graph/ties_layout.h"

namespace pare {

/// What an operator's cut step sees: its node in the new graph (constants not yet sliced) and what is left of each axis.
class NodeCut {
 public:
  NodeCut(GraphWithConstants& model, Remap& remap, const TieLayout& layout, const std::vector<uint8_t>& removed,
          NodeId node)
      : model_(model), remap_(remap), layout_(layout), removed_(removed), node_(node) {}
  Node& node() { return model_.graph.node(node_); }
  Graph& graph() { return model_.graph; }
  /// Kept cells, ascending old indices.
  std::vector<int64_t> kept(AxisId axis) const { return layout_.kept(axis, removed_); }
  /// How many stay; the full size of an untouched axis, -1 for a symbolic one.
  int64_t count(AxisId axis) const;
  int64_t old_count(AxisId axis) const { return layout_.axes.size(axis); }
  bool touched(AxisId axis) const { return count(axis) != old_count(axis); }
  /// Input i becomes input i times a literal.
  void scale_input(size_t i, double factor);
  /// A new literal of the graph, named after the node.
  ValueId add_literal(const std::string& suffix, Tensor tensor);
  /// A node in front of this one that reads its input i; its result becomes that input.
  NodeId insert_before(size_t i, const std::string& op, const std::string& suffix, std::vector<ValueId> more_inputs,
                       Attrs attrs);

 private:
  GraphWithConstants& model_;
  Remap& remap_;
  const TieLayout& layout_;
  const std::vector<uint8_t>& removed_;
  NodeId node_;
};

}  // namespace pare
