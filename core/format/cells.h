#pragma once

#include "core/format/encoding.h"

namespace pare {

/// Throws ModelError unless all products of dims fit int64, also in an empty tensor.
void check_extents(const Shape& shape);

/// Maps a flat (row-major) element to its scale cell. Throws ModelError when the axes do not fit the shape.
class CellIndex {
 public:
  CellIndex(const Encoding& encoding, const Shape& shape);
  int64_t cells() const { return cells_; }
  int64_t of(int64_t flat) const {
    if (cells_ == 1) return 0;
    return flat / axis_stride_ % axis_dim_ * groups_ + flat / group_stride_ % group_dim_ / group_size_;
  }

 private:
  int64_t cells_ = 1, groups_ = 1;
  int64_t axis_stride_ = 1, axis_dim_ = 1;
  int64_t group_stride_ = 1, group_dim_ = 1, group_size_ = 1;
};

}  // namespace pare
