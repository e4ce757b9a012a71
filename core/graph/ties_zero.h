#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/graph/ties_builder.h"

namespace pare {

/// What has to be zero so that a unit counts as zeroed, and which units are then exactly removable.
struct ZeroSets {
  std::vector<uint8_t> always;                    ///< by axis: producing dim of a parameter
  std::set<std::pair<AxisId, int32_t>> columns;   ///< consumer columns (axis, class) that must be zero too
  std::map<int32_t, std::string> inexact;         ///< class -> reason
  std::map<int32_t, std::string> compensated;     ///< class -> reason
};

/// Bits "this cell of this dim of this value is zero when the cell's own unit is zeroed", moved from inputs to outputs
/// by the rules of each operator. Axes without a unit have no bits: every step on them does nothing.
class ZeroFlow {
 public:
  /// `candidate` tells by class whether it may become a unit.
  ZeroFlow(const Graph& graph, const TieProgram& program, const std::vector<uint8_t>& candidate);
  /// Repeats the flow until no further column has to be zero.
  ZeroSets run();

  /// One bit a cell; empty when no unit owns a cell of the axis.
  std::span<uint8_t> bits(AxisId axis);
  bool frozen(AxisId axis) const { return axes_.frozen(axis); }

  void fill(AxisId out, bool zero);
  void copy(AxisId out, AxisId in);
  /// Zero where all / any of the inputs are; kNoAxis and inputs of another size count as not zero.
  void all_of(AxisId out, const std::vector<AxisId>& in);
  void any_of(AxisId out, const std::vector<AxisId>& in);
  /// out[b] = in[a] along the run.
  void map(const TieRun& run);
  /// Through a reshape of these dims: a cell is zero when all cells of its unit are.
  void reshape(const std::vector<AxisId>& out, const std::vector<AxisId>& in);
  /// A sum over `in` reads what is not zero: the columns of `column` have to be zero as well; kNoAxis: inexact.
  void need(AxisId in, AxisId column, const char* why);
  /// A sum over the product of two activations: zero in either is enough.
  void need_either(AxisId a, AxisId b, const char* why);
  /// Units on `in` are exact only with a factor for the count of cells, and only where the cells are zero.
  void compensate(AxisId in, const char* why);
  void inexact(AxisId in, const char* why);

 private:
  /// Class of each cell that may become a unit, -1 for the others; empty for a frozen axis.
  std::span<const int32_t> classes(AxisId axis) const;
  void start();
  const Graph& graph_;
  const TieProgram& program_;
  const TieAxes& axes_;
  std::vector<int32_t> class_;   // by stored cell
  std::vector<int64_t> offset_;  // by axis; -1: no bits
  std::vector<uint8_t> bits_;
  std::vector<AxisId> columns_of_parameters_;
  ZeroSets sets_;
  bool grown_ = false;
};

}  // namespace pare
