#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/tensor.h"

namespace pare {

/// What became of one parameter when the structure changed.
struct ParamRemap {
  enum class Kind { kKept, kSliced, kMerged, kNew };
  struct Cut {
    int64_t dim = 0;
    std::vector<int64_t> indices;  ///< kept old indices in their new order
  };
  Kind kind = Kind::kKept;
  std::string from;                ///< old name (kept and sliced)
  std::vector<Cut> cuts;           ///< applied one after the other (sliced)
};

/// New parameter name -> where it comes from. A name of the old model that appears nowhere has been removed.
/// Names that are absent on both sides are kept as they are.
struct Remap {
  std::map<std::string, ParamRemap> entries;
  std::vector<std::string> removed;
  bool empty() const { return entries.empty() && removed.empty(); }
};

/// `first`, then `second`, as one step.
Remap compose(const Remap& first, const Remap& second);

/// `source` cut as the entry says (kept: the same handle). InternalError for merged and new.
Tensor apply(const ParamRemap& remap, const Tensor& source);

}  // namespace pare
