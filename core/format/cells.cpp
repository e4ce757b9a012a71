#include "core/format/cells.h"

#include <algorithm>

namespace pare {
namespace {

int64_t stride_of(const Shape& shape, int64_t axis) {
  int64_t stride = 1;
  for (size_t i = static_cast<size_t>(axis) + 1; i < shape.size(); ++i) stride *= shape[i];
  return std::max<int64_t>(stride, 1);  // an empty tensor has no elements to look up
}

}  // namespace

void check_extents(const Shape& shape) {
  Shape positive = shape;
  for (int64_t& dim : positive) dim = dim == 0 ? 1 : dim;
  numel_of(positive);
}

CellIndex::CellIndex(const Encoding& encoding, const Shape& shape) {
  check_extents(shape);
  const auto rank = static_cast<int64_t>(shape.size());
  PARE_CHECK(encoding.axis >= -1 && encoding.axis < rank, ModelError, "[encoding] expected a scale axis of {}, got {}",
             shape, encoding.axis);
  if (encoding.axis >= 0) {
    axis_dim_ = std::max<int64_t>(shape[static_cast<size_t>(encoding.axis)], 1);
    axis_stride_ = stride_of(shape, encoding.axis);
  }
  if (encoding.group_size != 0) {
    PARE_CHECK(encoding.group_size > 0 && encoding.group_axis >= 0 && encoding.group_axis < rank &&
                   encoding.group_axis != encoding.axis,
               ModelError, "[encoding] expected groups of >= 1 along another dim of {} than {}, got {} along {}", shape,
               encoding.axis, encoding.group_size, encoding.group_axis);
    group_dim_ = std::max<int64_t>(shape[static_cast<size_t>(encoding.group_axis)], 1);
    group_stride_ = stride_of(shape, encoding.group_axis);
    group_size_ = encoding.group_size;
    groups_ = (group_dim_ - 1) / group_size_ + 1;
  }
  cells_ = axis_dim_ * groups_;
}

int64_t cells_of(const Encoding& encoding, const Shape& shape) { return CellIndex(encoding, shape).cells(); }

}  // namespace pare
