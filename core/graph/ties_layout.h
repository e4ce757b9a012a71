#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "core/graph/ties_axes.h"

namespace pare {

class NodeCut;  // core/graph/surgery_cut.h

/// Where every axis and cell of an analysed graph lies, and what surgery has to do at each node.
class TieLayout {
 public:
  /// Adds the axes of all values. Throws ModelError when a shape is missing.
  explicit TieLayout(const Graph& graph);
  /// kNoAxis for a value that the graph did not have.
  AxisId axis_of(ValueId value, int64_t dim) const;
  int64_t rank_of(ValueId value) const;
  /// Unit of each cell of the axis; empty when it is frozen.
  std::span<const int32_t> units_on(AxisId axis) const;
  /// Cells that stay, ascending, when the marked units go.
  std::vector<int64_t> kept(AxisId axis, const std::vector<uint8_t>& removed) const;

  TieAxes axes;
  std::vector<int32_t> unit_of_cell;  ///< by stored cell; -1: fixed
  std::vector<std::pair<NodeId, std::function<void(NodeCut&)>>> cuts;

 private:
  std::vector<AxisId> first_;   // by value id
  std::vector<int32_t> rank_;   // by value id; -1: no such value
};

}  // namespace pare
