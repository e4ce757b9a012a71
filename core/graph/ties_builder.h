#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph/ties_layout.h"

namespace pare {

class ZeroFlow;  // core/graph/ties_zero.h

/// What tie rules leave behind: relations in the layout, zero flow in node order, roles of constants.
struct TieProgram {
  std::shared_ptr<TieLayout> layout;
  std::vector<std::function<void(ZeroFlow&)>> flows;
  std::set<AxisId> contracted;  ///< dims of constants that are summed over: consumer columns
  std::set<AxisId> produced;    ///< dims of constants that make values although another use sums over them
};

/// What an OpDef's `ties` rule sees and calls. Dims that the rule does not mention are frozen afterwards.
/// A rule states three things: relations between dims, where zeros flow, and which attributes follow a removal.
class TieBuilder {
 public:
  TieBuilder(const Graph& graph, const ConstantStore& constants, const TiePolicy& policy, const Node& node,
             TieProgram& program);

  const Node& node() const { return node_; }
  const Attrs& attrs() const { return node_.attrs; }
  bool has_input(size_t i) const { return i < node_.inputs.size() && node_.inputs[i] != kNoValue; }
  const DimShape& shape_in(size_t i) const { return *graph_.value(node_.inputs[i]).shape; }
  const DimShape& shape_out(size_t i = 0) const { return *graph_.value(node_.outputs[i]).shape; }
  int64_t rank_in(size_t i) const { return static_cast<int64_t>(shape_in(i).size()); }
  int64_t rank_out(size_t i = 0) const { return static_cast<int64_t>(shape_out(i).size()); }
  bool is_constant(size_t i) const { return has_input(i) && graph_.value(node_.inputs[i]).is_constant(); }
  /// Tensor of a constant input, or null.
  const Tensor* constant(size_t i) const;

  /// Axis of a dim of an operand (negative dims from the end).
  AxisId in(size_t i, int64_t dim);
  AxisId out(int64_t dim, size_t i = 0);
  /// A virtual axis: the factor of a product that is no dim by itself.
  AxisId virtual_axis(int64_t size) { return program_.layout->axes.add(size); }
  int64_t size(AxisId axis) const { return program_.layout->axes.size(axis); }

  /// All cells of a and b belong together, one to one.
  void same(AxisId a, AxisId b);
  void map(const TieRun& run);
  /// fused dim = factors, outermost first; see ties.md.
  void product(AxisId fused, const std::vector<AxisId>& factors, ProductKind kind);
  void freeze(AxisId axis, std::string_view why);
  void freeze_cell(AxisId axis, int64_t cell, const std::string& why);
  void freeze_all(const std::string& why);
  /// Says that the dim is free of relations here (the new cells of Expand).
  void leave(AxisId axis) { touch(axis); }
  /// The column dim of a constant is summed over.
  void consumes(AxisId column) { program_.contracted.insert(column); }
  /// The dim of a constant makes values, whatever other uses do with it.
  void produces(AxisId axis) { program_.produced.insert(axis); }

  /// How zeros get from inputs to outputs; without it, outputs are never taken for zero.
  void flow(std::function<void(ZeroFlow&)> step) { program_.flows.push_back(std::move(step)); }
  /// What surgery does at this node besides slicing constants.
  void cut(std::function<void(NodeCut&)> step) { program_.layout->cuts.emplace_back(node_.id, std::move(step)); }

  /// Freezes what the rule has not mentioned.
  void finish();

 private:
  void touch(AxisId axis);
  const Graph& graph_;
  const ConstantStore& constants_;
  const TiePolicy& policy_;
  const Node& node_;
  TieProgram& program_;
  std::vector<AxisId> touched_;
  int products_ = 0;
};

}  // namespace pare
