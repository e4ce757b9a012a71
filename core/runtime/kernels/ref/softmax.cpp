// Softmax and LogSoftmax over one axis, float32; the sum is taken in double.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/ref/ref.h"

namespace pare {
namespace {

using namespace ref;

template <bool kLog>
void softmax_row(const float* x, float* y, int64_t count, int64_t step) {
  float top = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < count; ++i) top = std::max(top, x[i * step]);
  double sum = 0.0;
  for (int64_t i = 0; i < count; ++i) {
    const float e = std::exp(x[i * step] - top);
    sum += e;
    y[i * step] = kLog ? x[i * step] - top : e;
  }
  const auto log_sum = static_cast<float>(std::log(sum));
  for (int64_t i = 0; i < count; ++i) {
    y[i * step] = kLog ? y[i * step] - log_sum : static_cast<float>(y[i * step] / sum);
  }
}

template <bool kLog>
BoundKernel bind_softmax(const KernelSetup& setup) {
  expect_dtype(setup, DType::kF32, 0, 0);
  const Shape& x = setup.input(0).shape;
  expect_shape(setup, setup.output(), x, "the output");
  const AxisSplit s = split_at(x, front_axis(setup, setup.attrs().integer("axis", -1), setup.input(0).rank()));
  return {[s](const KernelCall& call) {
    call.pool.parallel(s.outer * s.inner, kElementGrain / (s.extent + 1) + 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t start = row / s.inner * s.extent * s.inner + row % s.inner;
        softmax_row<kLog>(call.in<float>(0) + start, call.out<float>() + start, s.extent, s.inner);
      }
    });
  }};
}

}  // namespace

void add_softmax_kernels(KernelTable& table) {
  table.add({"Softmax", "ref.softmax", Isa::kScalar, bind_softmax<false>});
  table.add({"LogSoftmax", "ref.log_softmax", Isa::kScalar, bind_softmax<true>});
}

}  // namespace pare
