#include "core/runtime/kernels/ref/helpers.h"

#include <algorithm>
#include <cstring>

namespace pare::ref {

int64_t front_axis(const KernelSetup& setup, int64_t axis, int64_t rank) {
  setup.check(axis >= -rank && axis < rank, fmt("expected an axis in [{}, {}), got {}", -rank, rank, axis));
  return axis < 0 ? axis + rank : axis;
}

int64_t product(const Shape& shape, int64_t begin, int64_t end) {
  int64_t total = 1;
  for (int64_t i = begin; i < end; ++i) total *= shape[static_cast<size_t>(i)];
  return total;
}

Shape strides_of(const Shape& shape) {
  Shape strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

Shape broadcast_strides(const KernelSetup& setup, const Shape& shape, const Shape& wide) {
  setup.check(shape.size() <= wide.size(), fmt("expected a shape that broadcasts to {}, got {}", wide, shape));
  const Shape dense = strides_of(shape);
  Shape strides(wide.size(), 0);
  const size_t lead = wide.size() - shape.size();
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == wide[lead + i]) strides[lead + i] = dense[i];
    else setup.check(shape[i] == 1, fmt("expected a shape that broadcasts to {}, got {}", wide, shape));
  }
  return strides;
}

int64_t checked_product(const KernelSetup& setup, std::initializer_list<int64_t> factors) {
  int64_t total = 1;
  for (int64_t factor : factors) {
    setup.check(factor >= 0 && !__builtin_mul_overflow(total, factor, &total), "the sizes are too large");
  }
  return total;
}

void expect_dtype(const KernelSetup& setup, DType dtype, size_t first, size_t last) {
  for (size_t i = first; i <= last; ++i) {
    if (!setup.has_input(i)) continue;
    setup.check(setup.input(i).dtype == dtype, fmt("expected element type {} for input {}, got {}", dtype, i, setup.input(i).dtype));
  }
  setup.check(setup.output().dtype == dtype, fmt("expected element type {} for the output, got {}", dtype, setup.output().dtype));
}

void expect_shape(const KernelSetup& setup, const TensorSpec& spec, const Shape& shape, const char* what) {
  setup.check(spec.shape == shape, fmt("expected shape {} for {}, got {}", shape, what, spec.shape));
}

AxisSplit split_at(const Shape& shape, int64_t axis) {
  return {product(shape, 0, axis), shape[static_cast<size_t>(axis)], product(shape, axis + 1, static_cast<int64_t>(shape.size()))};
}

namespace {

// Lowest and highest element reached.
void check_end(const KernelSetup& setup, const Shape& shape, const Shape& strides, int64_t offset, int64_t numel) {
  int64_t low = offset, high = offset;
  for (size_t d = 0; d < shape.size(); ++d) {
    int64_t reach = 0;
    setup.check(!__builtin_mul_overflow(strides[d], shape[d] - 1, &reach), "the strides are too large");
    int64_t& end = reach < 0 ? low : high;
    setup.check(!__builtin_add_overflow(end, reach, &end), "the strides are too large");
  }
  setup.check(low >= 0 && high < numel, fmt("expected elements inside [0, {}), got {} to {}", numel, low, high));
}

template <class T>
void copy_rows(const StridedCopy& copy, const std::byte* from, std::byte* to, int64_t begin, int64_t end) {
  const T* in = reinterpret_cast<const T*>(from) + copy.in_offset;
  T* out = reinterpret_cast<T*>(to) + copy.out_offset;
  const int64_t width = copy.shape.back(), in_step = copy.in_strides.back(), out_step = copy.out_strides.back();
  for (int64_t row = begin; row < end; ++row) {
    const T* source = in + row_offset(row, copy.shape, copy.in_strides);
    T* target = out + row_offset(row, copy.shape, copy.out_strides);
    if (in_step == 1 && out_step == 1) {
      std::memcpy(target, source, static_cast<size_t>(width) * sizeof(T));
    } else {
      for (int64_t i = 0; i < width; ++i) target[i * out_step] = source[i * in_step];
    }
  }
}

}  // namespace

void check_copy(const KernelSetup& setup, const StridedCopy& copy, int64_t in_numel, int64_t out_numel) {
  setup.check(copy.shape.size() <= kMaxRank, fmt("expected rank <= {}, got {}", kMaxRank, copy.shape.size()));
  if (numel_of(copy.shape) == 0) return;
  check_end(setup, copy.shape, copy.in_strides, copy.in_offset, in_numel);
  check_end(setup, copy.shape, copy.out_strides, copy.out_offset, out_numel);
}

void collapse(Shape& shape, const std::vector<Shape*>& strides) {
  size_t kept = 0;
  const auto merges = [&](size_t d) {
    for (const Shape* s : strides) {
      if ((*s)[kept - 1] != (*s)[d] * shape[d]) return false;
    }
    return true;
  };
  const size_t rank = shape.size();
  for (size_t d = 0; d < rank; ++d) {
    if (shape[d] == 1) continue;
    const bool merge = kept > 0 && merges(d);
    const size_t to = merge ? kept - 1 : kept++;
    shape[to] = merge ? shape[to] * shape[d] : shape[d];
    for (Shape* s : strides) (*s)[to] = (*s)[d];
  }
  // A scalar is a row of one.
  shape.resize(std::max<size_t>(kept, 1), 1);
  for (Shape* s : strides) s->resize(std::max<size_t>(kept, 1), 1);
  if (kept > 0) return;
  shape[0] = 1;
  for (Shape* s : strides) (*s)[0] = 1;
}

Broadcast broadcast_inputs(const KernelSetup& setup) {
  Broadcast b;
  b.shape = setup.output().shape;
  setup.check(b.shape.size() <= kMaxRank, fmt("expected rank <= {}, got {}", kMaxRank, b.shape.size()));
  Shape dense = strides_of(b.shape);
  for (size_t i = 0; i < setup.inputs.size(); ++i) {
    b.strides.push_back(broadcast_strides(setup, setup.input(i).shape, b.shape));
  }
  std::vector<Shape*> all = {&dense};
  for (Shape& s : b.strides) all.push_back(&s);
  collapse(b.shape, all);
  return b;
}

void run_copy(const StridedCopy& copy, int64_t element_bytes, const std::byte* in, std::byte* out, ThreadPool& pool) {
  if (copy.shape.empty()) {
    std::memcpy(out + copy.out_offset * element_bytes, in + copy.in_offset * element_bytes, static_cast<size_t>(element_bytes));
    return;
  }
  const int64_t width = copy.shape.back();
  if (width == 0) return;
  const int64_t rows = product(copy.shape, 0, static_cast<int64_t>(copy.shape.size()) - 1);
  pool.parallel(rows, kElementGrain / width + 1, [&](int64_t begin, int64_t end, int) {
    switch (element_bytes) {
      case 1: return copy_rows<uint8_t>(copy, in, out, begin, end);
      case 2: return copy_rows<uint16_t>(copy, in, out, begin, end);
      case 4: return copy_rows<uint32_t>(copy, in, out, begin, end);
      default: return copy_rows<uint64_t>(copy, in, out, begin, end);
    }
  });
}

}  // namespace pare::ref
