#include "core/model/cell_shape.h"

namespace pare {

at::Tensor spread_cells(const at::Tensor& cells, const Encoding& encoding, at::IntArrayRef shape) {
  std::vector<int64_t> view(shape.size(), 1);
  const auto dim = [&](int64_t axis) { return static_cast<size_t>(axis); };
  if (encoding.group_size == 0) {
    if (encoding.axis >= 0) view[dim(encoding.axis)] = shape[dim(encoding.axis)];
    return cells.view(view);
  }
  const int64_t extent = shape[dim(encoding.group_axis)];
  const int64_t groups = (extent + encoding.group_size - 1) / encoding.group_size;
  at::Tensor out = cells.view({-1, groups});
  if (encoding.axis > encoding.group_axis) out = out.t().contiguous();
  if (encoding.axis >= 0) view[dim(encoding.axis)] = shape[dim(encoding.axis)];
  view[dim(encoding.group_axis)] = groups;
  return out.reshape(view).repeat_interleave(encoding.group_size, encoding.group_axis).narrow(encoding.group_axis, 0, extent);
}

}  // namespace pare
