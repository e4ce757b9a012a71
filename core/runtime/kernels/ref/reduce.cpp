// ReduceMean, ReduceSum, ReduceMax, ReduceMin, ArgMax. Float sums are taken in double.
#include <algorithm>
#include <cstring>
#include <limits>

#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/ref/ref.h"

namespace pare {
namespace {

using namespace ref;

template <class T>
using Sum = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;   // integers wrap

struct MeanOp {
  template <class T> static Sum<T> start() { return 0; }
  template <class T> static void take(Sum<T>& sum, T x) { sum += static_cast<Sum<T>>(x); }
  template <class T> static T end(Sum<T> sum, int64_t count) {
    if constexpr (std::is_floating_point_v<T>) return static_cast<T>(sum / static_cast<double>(count));
    else return static_cast<T>(static_cast<int64_t>(sum) / count);
  }
};
struct SumOp : MeanOp {
  template <class T> static T end(Sum<T> sum, int64_t) { return static_cast<T>(sum); }
};
struct MaxOp {
  template <class T> static T start() {
    return std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
  }
  template <class T> static void take(T& best, T x) { if (x > best || x != x) best = x; }
  template <class T> static T end(T best, int64_t) { return best; }
};
struct MinOp {
  template <class T> static T start() {
    return std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
  }
  template <class T> static void take(T& best, T x) { if (x < best || x != x) best = x; }
  template <class T> static T end(T best, int64_t) { return best; }
};

// Kept dims give the outputs, reduced ones the elements of each; both with the strides of the input.
struct Reduction {
  Shape kept, kept_strides, gone, gone_strides;   // each with a last dim that is walked as a row
  int64_t outputs = 1, count = 1;
};

Reduction reduction_of(const KernelSetup& setup, std::vector<int64_t> axes) {
  const Shape& x = setup.input(0).shape;
  setup.check(x.size() <= kMaxRank, fmt("expected rank <= {}, got {}", kMaxRank, x.size()));
  std::vector<bool> is_gone(x.size(), axes.empty());
  for (int64_t axis : axes) is_gone[static_cast<size_t>(front_axis(setup, axis, setup.input(0).rank()))] = true;
  const Shape strides = strides_of(x);
  Reduction r;
  for (size_t d = 0; d < x.size(); ++d) {
    (is_gone[d] ? r.gone : r.kept).push_back(x[d]);
    (is_gone[d] ? r.gone_strides : r.kept_strides).push_back(strides[d]);
  }
  r.outputs = numel_of(r.kept);
  r.count = numel_of(r.gone);
  collapse(r.gone, {&r.gone_strides});
  for (Shape* s : {&r.kept, &r.kept_strides}) s->push_back(1);   // row_offset leaves the last dim out
  setup.check(setup.output().numel == r.outputs, fmt("expected {} outputs, got {}", r.outputs, setup.output().numel));
  return r;
}

template <class Op, class T>
T reduce_one(const Reduction& r, const T* x) {
  auto state = Op::template start<T>();
  const int64_t width = r.gone.back(), step = r.gone_strides.back();
  for (int64_t row = 0; row < r.count / std::max<int64_t>(width, 1); ++row) {
    const T* from = x + row_offset(row, r.gone, r.gone_strides);
    for (int64_t i = 0; i < width; ++i) Op::template take<T>(state, from[i * step]);
  }
  return Op::template end<T>(state, r.count);
}

template <class Op>
BoundKernel bind_reduce(const KernelSetup& setup) {
  const DType dtype = setup.input(0).dtype;
  expect_dtype(setup, dtype, 0, 0);
  const Reduction r = reduction_of(setup, setup.attrs().integers("axes", {}));
  setup.check(r.count > 0 || !std::is_same_v<Op, MeanOp>, "expected elements to average, got none");
  return dispatch(setup, dtype, [&](auto zero) -> BoundKernel {
    using T = decltype(zero);
    return {[r](const KernelCall& call) {
      call.pool.parallel(r.outputs, kElementGrain / (r.count + 1) + 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) {
          call.out<T>()[i] = reduce_one<Op, T>(r, call.in<T>(0) + row_offset(i, r.kept, r.kept_strides));
        }
      });
    }};
  });
}

BoundKernel bind_arg_max(const KernelSetup& setup) {
  const Shape& x = setup.input(0).shape;
  setup.check(setup.output().dtype == DType::kI64, fmt("expected an I64 output, got {}", setup.output().dtype));
  const AxisSplit s = split_at(x, front_axis(setup, setup.attrs().integer("axis", 0), setup.input(0).rank()));
  setup.check(s.extent > 0 && setup.output().numel == s.outer * s.inner, "expected one index a row");
  const bool last = setup.attrs().integer("select_last_index", 0) != 0;
  return dispatch(setup, setup.input(0).dtype, [&](auto zero) -> BoundKernel {
    using T = decltype(zero);
    return {[s, last](const KernelCall& call) {
      call.pool.parallel(s.outer * s.inner, kElementGrain / s.extent + 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t row = begin; row < end; ++row) {
          const T* from = call.in<T>(0) + row / s.inner * s.extent * s.inner + row % s.inner;
          int64_t best = 0;
          for (int64_t i = 1; i < s.extent; ++i) {
            const T value = from[i * s.inner], top = from[best * s.inner];
            if (value > top || (last && value == top)) best = i;
          }
          call.out<int64_t>()[row] = best;
        }
      });
    }};
  });
}

}  // namespace

void add_reduce_kernels(KernelTable& table) {
  table.add({"ReduceMean", "ref.reduce_mean", Isa::kScalar, bind_reduce<MeanOp>});
  table.add({"ReduceSum", "ref.reduce_sum", Isa::kScalar, bind_reduce<SumOp>});
  table.add({"ReduceMax", "ref.reduce_max", Isa::kScalar, bind_reduce<MaxOp>});
  table.add({"ReduceMin", "ref.reduce_min", Isa::kScalar, bind_reduce<MinOp>});
  table.add({"ArgMax", "ref.arg_max", Isa::kScalar, bind_arg_max});
}

}  // namespace pare
