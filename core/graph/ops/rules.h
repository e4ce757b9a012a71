#pragma once
// What the operator families share: registration functions and helpers of shape rules.

#include "core/graph/op.h"

namespace pare {

// One registration function a file of this folder; the attributes of every operator are documented there.
void add_activation_ops(OpTable& ops);
void add_conv_ops(OpTable& ops);
void add_elementwise_ops(OpTable& ops);
void add_matmul_ops(OpTable& ops);
void add_movement_ops(OpTable& ops);
void add_norm_ops(OpTable& ops);
void add_pool_ops(OpTable& ops);
void add_quant_ops(OpTable& ops);
void add_reduce_ops(OpTable& ops);
void add_resize_ops(OpTable& ops);
void add_shape_ops(OpTable& ops);
void add_slice_ops(OpTable& ops);

/// `axis` in [-rank, rank) as an index; fails the node otherwise.
size_t wrap_axis(const InferContext& context, int64_t axis, size_t rank);
/// All of them, unique.
std::vector<size_t> wrap_axes(const InferContext& context, const std::vector<int64_t>& axes, size_t rank);
/// Fails the node unless the shape has the rank (or at least `low` dims).
void expect_rank(const InferContext& context, size_t input, size_t rank);
void expect_min_rank(const InferContext& context, size_t input, size_t low);
/// Fails the node unless both dims are provably equal.
void expect_dim(const InferContext& context, const char* what, const Dim& expected, const Dim& got);
/// Fails the node unless input `input` is a vector of `size` elements.
void expect_vector(const InferContext& context, size_t input, const char* what, const Dim& size);
/// Numpy broadcast; symbols match only themselves and 1.
DimShape broadcast(const InferContext& context, const DimShape& a, const DimShape& b);
/// Output 0 has the shape and dtype of input 0.
void same_as_input(InferContext& context);
/// Output 0 holds the same numbers as input 0, if these are known and output 0 is a vector or scalar.
void keep_contents(InferContext& context);

/// First index and count of a Slice of one dim of a known extent.
std::pair<int64_t, int64_t> slice_span(int64_t start, int64_t end, int64_t step, int64_t extent);

/// Sliding windows: per spatial dim; pads are begins, then ends.
struct Window {
  std::vector<int64_t> kernel, strides, dilations, pads;
  size_t dims() const { return kernel.size(); }
};
/// Reads `strides`, `dilations` (default 1) and `pads` (default 0), all checked.
Window read_window(const InferContext& context, std::vector<int64_t> kernel);
/// Extent after the window along spatial dim `i`; `round_up` as in `ceil_mode`: a window that starts behind the input
/// and its leading pad does not count.
Dim window_extent(const InferContext& context, const Window& window, size_t i, const Dim& extent, bool round_up = false);

}  // namespace pare
