// MaxPool, AveragePool, GlobalAveragePool.
#include <algorithm>
#include <limits>

#include "core/runtime/kernels/ref/conv_geometry.h"
#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/ref/ref.h"

namespace pare {
namespace {

using namespace ref;

// Calls f(plane, out pixel, corner row, corner column) for every output pixel; a corner may lie in the padding.
template <class F>
void for_each_window(const ConvGeometry& g, ThreadPool& pool, F&& f) {
  const int64_t rows = g.batch * g.in_channels * g.out_h;
  pool.parallel(rows, 1 + 256 / (g.out_w + 1), [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t plane = row / g.out_h, h = row % g.out_h;
      for (int64_t w = 0; w < g.out_w; ++w) {
        f(plane, row * g.out_w + w, h * g.stride_h - g.pad_top, w * g.stride_w - g.pad_left);
      }
    }
  });
}

// Taps of a window before position `limit`; tap i lies at first + i * dilation.
int64_t taps_before(int64_t limit, int64_t first, int64_t dilation, int64_t kernel) {
  return limit <= first ? 0 : std::min(kernel, (limit - first + dilation - 1) / dilation);
}

// Taps [top, bottom) x [left, right) of a window that lie inside the input.
struct Inside {
  int64_t top, bottom, left, right;
};

Inside inside_of(const ConvGeometry& g, int64_t row, int64_t column) {
  return {taps_before(0, row, g.dilation_h, g.kernel_h), taps_before(g.in_h, row, g.dilation_h, g.kernel_h),
          taps_before(0, column, g.dilation_w, g.kernel_w), taps_before(g.in_w, column, g.dilation_w, g.kernel_w)};
}

template <class T>
T window_max(const ConvGeometry& g, const T* plane, int64_t row, int64_t column) {
  // -inf also for floats, so that a window of infinities keeps them.
  T best = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
  const Inside in = inside_of(g, row, column);
  for (int64_t i = in.top; i < in.bottom; ++i) {
    const T* line = plane + (row + i * g.dilation_h) * g.in_w + column;
    for (int64_t j = in.left; j < in.right; ++j) {
      const T value = line[j * g.dilation_w];
      if (value > best || value != value) best = value;
    }
  }
  return best;
}

BoundKernel bind_max_pool(const KernelSetup& setup) {
  const DType dtype = setup.input(0).dtype;
  expect_dtype(setup, dtype, 0, 0);
  const ConvGeometry g = pool_geometry(setup);
  return dispatch(setup, dtype, [&](auto zero) -> BoundKernel {
    using T = decltype(zero);
    return {[g](const KernelCall& call) {
      for_each_window(g, call.pool, [&](int64_t plane, int64_t out, int64_t top, int64_t left) {
        call.out<T>()[out] = window_max(g, call.in<T>(0) + plane * g.in_plane(), top, left);
      });
    }};
  });
}

// Taps at or behind the padded input's end, as ceil_mode makes them, never count.
float window_mean(const ConvGeometry& g, const float* plane, int64_t row, int64_t column, bool count_pads) {
  const Inside in = inside_of(g, row, column);
  double sum = 0.0;
  for (int64_t i = in.top; i < in.bottom; ++i) {
    const float* line = plane + (row + i * g.dilation_h) * g.in_w + column;
    for (int64_t j = in.left; j < in.right; ++j) sum += line[j * g.dilation_w];
  }
  const int64_t inside = (in.bottom - in.top) * (in.right - in.left);
  const int64_t padded = taps_before(g.in_h + g.pad_bottom, row, g.dilation_h, g.kernel_h) *
                         taps_before(g.in_w + g.pad_right, column, g.dilation_w, g.kernel_w);
  const int64_t count = count_pads ? padded : inside;
  return count > 0 ? static_cast<float>(sum / static_cast<double>(count)) : 0.0f;
}

BoundKernel bind_average_pool(const KernelSetup& setup) {
  expect_dtype(setup, DType::kF32, 0, 0);
  const ConvGeometry g = pool_geometry(setup);
  const bool count_pads = setup.attrs().integer("count_include_pad", 0) != 0;
  return {[g, count_pads](const KernelCall& call) {
    for_each_window(g, call.pool, [&](int64_t plane, int64_t out, int64_t top, int64_t left) {
      call.out<float>()[out] = window_mean(g, call.in<float>(0) + plane * g.in_plane(), top, left, count_pads);
    });
  }};
}

BoundKernel bind_global_average_pool(const KernelSetup& setup) {
  expect_dtype(setup, DType::kF32, 0, 0);
  const Shape& in = setup.input(0).shape;
  setup.check(in.size() >= 3, fmt("expected an input [N, C, ...], got {}", in));
  const int64_t planes = product(in, 0, 2), size = product(in, 2, static_cast<int64_t>(in.size()));
  setup.check(size > 0, fmt("expected a spatial extent, got {}", in));
  setup.check(setup.output().numel == planes, fmt("expected {} outputs, got {}", planes, setup.output().numel));
  return {[planes, size](const KernelCall& call) {
    call.pool.parallel(planes, kElementGrain / size + 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t plane = begin; plane < end; ++plane) {
        const float* x = call.in<float>(0) + plane * size;
        double sum = 0.0;
        for (int64_t i = 0; i < size; ++i) sum += x[i];
        call.out<float>()[plane] = static_cast<float>(sum / static_cast<double>(size));
      }
    });
  }};
}

}  // namespace

void add_pool_kernels(KernelTable& table) {
  table.add({"MaxPool", "ref.max_pool", Isa::kScalar, bind_max_pool});
  table.add({"AveragePool", "ref.average_pool", Isa::kScalar, bind_average_pool});
  table.add({"GlobalAveragePool", "ref.global_average_pool", Isa::kScalar, bind_global_average_pool});
}

}  // namespace pare
