// Gather and TopK: operators whose addresses come from data.
#include <algorithm>
#include <cstring>

#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/ref/ref.h"

namespace pare {
namespace {

using namespace ref;

template <class Index>
void gather_rows(const KernelCall& call, const AxisSplit& s, int64_t count, int64_t bytes) {
  const int64_t row_bytes = s.inner * bytes;
  call.pool.parallel(s.outer * count, kElementGrain / (s.inner + 1) + 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      auto index = static_cast<int64_t>(call.in<Index>(1)[row % count]);
      PARE_CHECK(index >= -s.extent && index < s.extent, ModelError, "[Gather] expected indices in [{}, {}), got {}", -s.extent,
                 s.extent, index);
      if (index < 0) index += s.extent;
      std::memcpy(call.outputs[0] + row * row_bytes, call.inputs[0] + (row / count * s.extent + index) * row_bytes,
                  static_cast<size_t>(row_bytes));
    }
  });
}

BoundKernel bind_gather(const KernelSetup& setup) {
  const TensorSpec &data = setup.input(0), &indices = setup.input(1);
  setup.check(setup.output().dtype == data.dtype, fmt("expected element type {} for the output", data.dtype));
  const AxisSplit s = split_at(data.shape, front_axis(setup, setup.attrs().integer("axis", 0), data.rank()));
  const int64_t count = indices.numel;
  setup.check(checked_product(setup, {s.outer, count, s.inner}) == setup.output().numel, "the output has another size");
  const int64_t bytes = size_of(data.dtype);
  if (indices.dtype == DType::kI64) return {[=](const KernelCall& call) { gather_rows<int64_t>(call, s, count, bytes); }};
  setup.check(indices.dtype == DType::kI32, fmt("expected I64 or I32 indices, got {}", indices.dtype));
  return {[=](const KernelCall& call) { gather_rows<int32_t>(call, s, count, bytes); }};
}

// The k first of a stable order: equal values keep the order of their indices.
template <class T>
void top_row(const T* x, int64_t step, int64_t extent, int64_t k, bool largest, int64_t* order, T* values, int64_t* indices) {
  for (int64_t i = 0; i < extent; ++i) order[i] = i;
  std::partial_sort(order, order + k, order + extent, [&](int64_t a, int64_t b) {
    const T left = x[a * step], right = x[b * step];
    if (left != right) return largest ? left > right : left < right;
    return a < b;
  });
  for (int64_t i = 0; i < k; ++i) {
    values[i * step] = x[order[i] * step];
    indices[i * step] = order[i];
  }
}

BoundKernel bind_top_k(const KernelSetup& setup) {
  const TensorSpec& x = setup.input(0);
  const AxisSplit s = split_at(x.shape, front_axis(setup, setup.attrs().integer("axis", -1), x.rank()));
  const int64_t k = setup.attrs().integer("k");
  setup.check(k >= 1 && k <= s.extent, fmt("expected k in [1, {}], got {}", s.extent, k));
  for (size_t i = 0; i < 2; ++i) setup.check(setup.output(i).numel == s.outer * k * s.inner, "the output has another size");
  setup.check(setup.output(0).dtype == x.dtype && setup.output(1).dtype == DType::kI64, "expected values and I64 indices");
  const bool largest = setup.attrs().integer("largest", 1) != 0;
  BoundKernel bound;
  bound.workspace = checked_product(setup, {setup.threads, s.extent, int64_t{sizeof(int64_t)}});
  bound.run = dispatch(setup, x.dtype, [&](auto zero) -> std::function<void(const KernelCall&)> {
    using T = decltype(zero);
    return [=](const KernelCall& call) {
      call.pool.parallel(s.outer * s.inner, kElementGrain / s.extent + 1, [&](int64_t begin, int64_t end, int thread) {
        auto* order = reinterpret_cast<int64_t*>(call.workspace) + thread * s.extent;
        for (int64_t row = begin; row < end; ++row) {
          const int64_t outer = row / s.inner, inner = row % s.inner, to = outer * k * s.inner + inner;
          top_row<T>(call.in<T>(0) + outer * s.extent * s.inner + inner, s.inner, s.extent, k, largest, order,
                     call.out<T>(0) + to, call.out<int64_t>(1) + to);
        }
      });
    };
  });
  return bound;
}

}  // namespace

void add_index_kernels(KernelTable& table) {
  table.add({"Gather", "ref.gather", Isa::kScalar, bind_gather});
  table.add({"TopK", "ref.top_k", Isa::kScalar, bind_top_k});
}

}  // namespace pare
