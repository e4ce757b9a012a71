#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/graph/graph.h"
#include "core/graph/op.h"

namespace pare {

class TieLayout;  // core/graph/ties_layout.h

/// Which factor of a fused dimension may shrink when several could. The first analysis of a model decides; pass its
/// `DimGroups::choices` on to later ones, so that e.g. the head width stays when only one head is left.
struct TiePolicy {
  enum class Heads : uint8_t { kHeads, kWidth };        ///< reshaped dims: whole outer blocks, or inner positions of all
  enum class Groups : uint8_t { kGroups, kPositions };  ///< grouped convolutions: whole groups, or the same channels of each
  Heads heads = Heads::kHeads;
  Groups groups = Groups::kGroups;
  std::map<std::string, int> choices;  ///< product key -> free factor; overrides the two above
};

enum class SliceRole : uint8_t {
  kProducer,  ///< makes the unit's values (an output row, a bias element, a norm's scale)
  kConsumer,  ///< reads them (an input column)
  kState,     ///< goes along without being trained (running statistics, scales, literals)
};
const char* name_of(SliceRole role);

enum class Exactness : uint8_t {
  kExact,        ///< removed equals zeroed
  kCompensated,  ///< equal after a closed-form factor that surgery inserts (RMSNorm, mean over the dim)
  kInexact,      ///< differs; the reason is named (LayerNorm or softmax over the dim)
};
const char* name_of(Exactness exactness);

/// One dim of one constant on which a group's units own cells.
struct TieOperand {
  ValueId value = kNoValue;
  std::string param;
  int64_t dim = 0;
  SliceRole role = SliceRole::kProducer;
  bool zero = false;  ///< the slice has to be zero for the unit to count as zeroed
};

struct UnitSlice {
  int32_t operand = 0;  ///< index into the group's operands
  int32_t index = 0;    ///< cell of that dim
};

/// The smallest thing that can be removed: cells that stand or fall together.
struct Unit {
  int32_t group = 0;
  std::span<const UnitSlice> slices;  ///< in DimGroups::slices, by operand, then index
};

/// Units with slices on the same operands, e.g. the channels of one residual stream.
struct DimGroup {
  std::string name;  ///< the first producing parameter
  std::vector<TieOperand> operands;
  std::vector<int32_t> units;  ///< indices into DimGroups::units, ascending
  Exactness exactness = Exactness::kExact;
  std::string reason;          ///< why it is not exact
};

/// A parameter's dim with cells that cannot be removed.
struct FrozenAxis {
  std::string param;
  int64_t dim = 0;
  int64_t cells = 0;
  std::string reason;
};

/// Result of `analyse`. Valid for the analysed graph only.
struct DimGroups {
  std::vector<Unit> units;
  std::vector<DimGroup> groups;
  std::vector<FrozenAxis> frozen;
  std::map<std::string, int> choices;  ///< free factor of every product, see TiePolicy::choices
  std::shared_ptr<const std::vector<UnitSlice>> slices;  ///< storage of all units' slices
  std::shared_ptr<const TieLayout> layout;

  /// Unit of each cell along a dim of a value (-1: fixed); empty when the whole dim is fixed.
  std::span<const int32_t> units_on(ValueId value, int64_t dim) const;
};

/// Dim ties of a graph (structured pruning): which slices of which parameters must go together, what is frozen and
/// why, and whether removing equals zeroing. Needs inferred shapes; throws ModelError when one is missing.
DimGroups analyse(const Graph& graph, const ConstantStore& constants, const OpTable& ops, const TiePolicy& policy = {});

}  // namespace pare
