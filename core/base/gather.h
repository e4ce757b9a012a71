#pragma once

#include <vector>

#include "core/base/tensor.h"

namespace pare {

/// What stays along one dim: old indices in their new order.
struct DimCut {
  int64_t dim = 0;
  std::span<const int64_t> indices;
};

/// Copies the cells that all cuts keep in one walk over a dense row-major tensor: each cell that stays is read and
/// written once, whatever the number of cuts.
class CellGather {
 public:
  /// Cuts of one dim are applied one after the other. Throws InternalError when a dim or an index lies outside.
  CellGather(Shape shape, int64_t element_bytes, const std::vector<DimCut>& cuts);
  /// Of what stays.
  const Shape& shape() const { return shape_; }
  /// `from`: the whole tensor, `to`: what stays; they must not overlap.
  void run(const std::byte* from, std::byte* to) const;

 private:
  struct Level {
    int64_t outer = 1;  // whole dims between the previous cut dim and this one
    int64_t extent = 1, bytes = 1;  // of the old dim; of one cell of it
    std::vector<int64_t> indices;
  };
  std::byte* copy(size_t level, const std::byte* from, std::byte* to) const;
  Shape shape_;
  int64_t whole_ = 0;  // bytes, when nothing is cut
  std::vector<Level> levels_;
};

}  // namespace pare
