#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/runtime/kernel.h"

namespace pare::ref {

/// Indices a thread takes at least where one index is a few operations.
inline constexpr int64_t kElementGrain = 4096;
/// Tensors of higher rank are refused.
inline constexpr size_t kMaxRank = 8;

/// `axis` counted from the front; fails unless it lies in [-rank, rank).
int64_t front_axis(const KernelSetup& setup, int64_t axis, int64_t rank);
/// Product of shape[begin, end).
int64_t product(const Shape& shape, int64_t begin, int64_t end);
/// Row-major strides in elements.
Shape strides_of(const Shape& shape);
/// Strides with which `shape` is read under the broadcast shape `wide`; fails when it does not broadcast.
Shape broadcast_strides(const KernelSetup& setup, const Shape& shape, const Shape& wide);
/// Product, failing on overflow of int64.
int64_t checked_product(const KernelSetup& setup, std::initializer_list<int64_t> factors);
/// Fails unless inputs [first, last] that are present and the outputs have this element type.
void expect_dtype(const KernelSetup& setup, DType dtype, size_t first, size_t last);
/// Fails unless the operand has this shape.
void expect_shape(const KernelSetup& setup, const TensorSpec& spec, const Shape& shape, const char* what);

/// Outer x axis x inner extents of a shape around one axis.
struct AxisSplit {
  int64_t outer = 1, extent = 1, inner = 1;
};
AxisSplit split_at(const Shape& shape, int64_t axis);

/// Elements moved from one strided place to another.
struct StridedCopy {
  Shape shape;
  Shape in_strides, out_strides;   ///< elements
  int64_t in_offset = 0, out_offset = 0;
};
/// Checks the rank and that both ends stay inside `in_numel` and `out_numel` elements.
void check_copy(const KernelSetup& setup, const StridedCopy& copy, int64_t in_numel, int64_t out_numel);
void run_copy(const StridedCopy& copy, int64_t element_bytes, const std::byte* in, std::byte* out, ThreadPool& pool);

/// Offset of the `row`-th index of shape[0, rank-1) under `strides`.
inline int64_t row_offset(int64_t row, const Shape& shape, const Shape& strides) {
  int64_t offset = 0;
  for (size_t d = shape.size() - 1; d-- > 0;) {
    offset += row % shape[d] * strides[d];
    row /= shape[d];
  }
  return offset;
}

/// Merges neighbouring dims that all strides walk through as one, and drops dims of 1; at least one dim is left.
void collapse(Shape& shape, const std::vector<Shape*>& strides);

/// Inputs read under one broadcast shape, written densely.
struct Broadcast {
  Shape shape;                  ///< collapsed
  std::vector<Shape> strides;   ///< one an input
  int64_t rows() const { return product(shape, 0, static_cast<int64_t>(shape.size()) - 1); }
  int64_t width() const { return shape.back(); }
};
/// For all inputs of the node against its output.
Broadcast broadcast_inputs(const KernelSetup& setup);

/// Calls f(out offset, offsets of the inputs) for every row of b.width() elements; inputs step by b.strides[i].back().
template <class F>
void for_each_row(const Broadcast& b, ThreadPool& pool, F&& f) {
  if (b.width() == 0) return;
  pool.parallel(b.rows(), kElementGrain / b.width() + 1, [&](int64_t begin, int64_t end, int) {
    std::array<int64_t, 3> offsets{};
    for (int64_t row = begin; row < end; ++row) {
      for (size_t i = 0; i < b.strides.size() && i < 3; ++i) offsets[i] = row_offset(row, b.shape, b.strides[i]);
      f(row * b.width(), offsets);
    }
  });
}

/// Calls f with a zero of the element type, for the arithmetic types that graphs compute with; fails on others.
template <class F>
auto dispatch(const KernelSetup& setup, DType dtype, F&& f) {
  switch (dtype) {
    case DType::kF32: return f(float{});
    case DType::kF64: return f(double{});
    case DType::kI32: return f(int32_t{});
    case DType::kI64: return f(int64_t{});
    case DType::kU8: return f(uint8_t{});
    case DType::kI8: return f(int8_t{});
    case DType::kU16: return f(uint16_t{});
    case DType::kI16: return f(int16_t{});
    case DType::kU32: return f(uint32_t{});
    case DType::kU64: return f(uint64_t{});
    default: setup.fail(fmt("expected element type F32, F64 or integers, got {}", dtype));
  }
}

}  // namespace pare::ref
