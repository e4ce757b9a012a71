// Elementwise functions of two and more inputs with numpy broadcasting.
#include <cmath>
#include <limits>

#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/ref/ref.h"

namespace pare {
namespace {

using namespace ref;

// Integer overflow wraps.
template <class T, class F>
T wrapped(T a, T b, F f) {
  if constexpr (std::is_integral_v<T>) return static_cast<T>(f(static_cast<uint64_t>(a), static_cast<uint64_t>(b)));
  else return f(a, b);
}

struct AddOp {
  template <class T> T operator()(T a, T b) const { return wrapped(a, b, [](auto x, auto y) { return x + y; }); }
};
struct SubOp {
  template <class T> T operator()(T a, T b) const { return wrapped(a, b, [](auto x, auto y) { return x - y; }); }
};
struct MulOp {
  template <class T> T operator()(T a, T b) const { return wrapped(a, b, [](auto x, auto y) { return x * y; }); }
};
struct DivOp {
  template <class T> T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      PARE_CHECK(b != 0, ModelError, "[Div] expected divisors other than 0 for {}, got 0", dtype_of<T>);
      if (std::is_signed_v<T> && b == static_cast<T>(-1)) return static_cast<T>(uint64_t{0} - static_cast<uint64_t>(a));
    }
    return static_cast<T>(a / b);
  }
};
struct PowOp {
  template <class T> T operator()(T a, T b) const {
    if constexpr (std::is_same_v<T, float>) return std::pow(a, b);
    const double value = std::pow(static_cast<double>(a), static_cast<double>(b));
    if constexpr (std::is_integral_v<T>) {
      if (!(value > static_cast<double>(std::numeric_limits<T>::min()))) return std::numeric_limits<T>::min();
      if (value >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    }
    return static_cast<T>(value);
  }
};
struct MinOp {
  template <class T> T operator()(T a, T b) const { return b < a || b != b ? b : a; }
};
struct MaxOp {
  template <class T> T operator()(T a, T b) const { return b > a || b != b ? b : a; }
};
struct EqualOp {
  template <class T> uint8_t operator()(T a, T b) const { return a == b; }
};
struct LessOp {
  template <class T> uint8_t operator()(T a, T b) const { return a < b; }
};
struct GreaterOp {
  template <class T> uint8_t operator()(T a, T b) const { return a > b; }
};
// Booleans are bytes; any byte but 0 is true.
struct AndOp {
  uint8_t operator()(uint8_t a, uint8_t b) const { return a != 0 && b != 0; }
};
struct OrOp {
  uint8_t operator()(uint8_t a, uint8_t b) const { return a != 0 || b != 0; }
};
struct EqualBoolOp {
  uint8_t operator()(uint8_t a, uint8_t b) const { return (a != 0) == (b != 0); }
};

// One row of the output; steps in elements.
using RowFunction = void (*)(const std::byte* a, int64_t a_step, const std::byte* b, int64_t b_step, std::byte* y,
                             int64_t width);

template <class T, class R, class F>
void combine_row(const std::byte* a_bytes, int64_t a_step, const std::byte* b_bytes, int64_t b_step, std::byte* y_bytes,
                 int64_t width) {
  const auto *a = reinterpret_cast<const T*>(a_bytes), *b = reinterpret_cast<const T*>(b_bytes);
  auto* y = reinterpret_cast<R*>(y_bytes);
  if (a_step == 1 && b_step == 1) {
    for (int64_t i = 0; i < width; ++i) y[i] = F{}(a[i], b[i]);
  } else {
    for (int64_t i = 0; i < width; ++i) y[i] = F{}(a[i * a_step], b[i * b_step]);
  }
}

// The walk over rows is the same for all types: only the rows themselves are compiled for each.
BoundKernel bind_rows(const KernelSetup& setup, RowFunction row, size_t in_size, size_t out_size) {
  const Broadcast b = broadcast_inputs(setup);
  const auto from = static_cast<int64_t>(in_size), to = static_cast<int64_t>(out_size);
  return {[=](const KernelCall& call) {
    for_each_row(b, call.pool, [&](int64_t out, const std::array<int64_t, 3>& in) {
      row(call.in<std::byte>(0) + in[0] * from, b.strides[0].back(), call.in<std::byte>(1) + in[1] * from,
          b.strides[1].back(), call.out<std::byte>() + out * to, b.width());
    });
  }};
}

template <class T, class R, class F>
BoundKernel bind_typed(const KernelSetup& setup) {
  return bind_rows(setup, combine_row<T, R, F>, sizeof(T), sizeof(R));
}

template <class F>
BoundKernel bind_arithmetic(const KernelSetup& setup) {
  setup.check(setup.inputs.size() == 2, fmt("expected 2 inputs, got {}", setup.inputs.size()));
  expect_dtype(setup, setup.input(0).dtype, 0, 1);
  return dispatch(setup, setup.input(0).dtype, [&](auto zero) {
    return bind_typed<decltype(zero), decltype(zero), F>(setup);
  });
}

void check_pair(const KernelSetup& setup) {
  setup.check(setup.inputs.size() == 2, fmt("expected 2 inputs, got {}", setup.inputs.size()));
  setup.check(setup.input(0).dtype == setup.input(1).dtype,
              fmt("expected inputs of one element type, got {} and {}", setup.input(0).dtype, setup.input(1).dtype));
  setup.check(setup.output().dtype == DType::kBool, fmt("expected a BOOL output, got {}", setup.output().dtype));
}

template <class F>
BoundKernel bind_compare(const KernelSetup& setup) {
  check_pair(setup);
  if (std::is_same_v<F, EqualOp> && setup.input(0).dtype == DType::kBool) {
    return bind_typed<uint8_t, uint8_t, EqualBoolOp>(setup);
  }
  return dispatch(setup, setup.input(0).dtype,
                  [&](auto zero) { return bind_typed<decltype(zero), uint8_t, F>(setup); });
}

template <class F>
BoundKernel bind_logic(const KernelSetup& setup) {
  check_pair(setup);
  expect_dtype(setup, DType::kBool, 0, 1);
  return bind_typed<uint8_t, uint8_t, F>(setup);
}

BoundKernel bind_not(const KernelSetup& setup) {
  expect_dtype(setup, DType::kBool, 0, 0);
  expect_shape(setup, setup.output(), setup.input(0).shape, "the output");
  const int64_t numel = setup.input(0).numel;
  return {[numel](const KernelCall& call) {
    for (int64_t i = 0; i < numel; ++i) call.out<uint8_t>()[i] = call.in<uint8_t>(0)[i] == 0;
  }};
}

// y[i] = x[i * step] at first, then f(y[i], x[i * step]).
using FoldFunction = void (*)(const std::byte* x, int64_t step, std::byte* y, int64_t width, bool first);

template <class T, class F>
void fold_row(const std::byte* x_bytes, int64_t step, std::byte* y_bytes, int64_t width, bool first) {
  const auto* x = reinterpret_cast<const T*>(x_bytes);
  auto* y = reinterpret_cast<T*>(y_bytes);
  for (int64_t c = 0; c < width; ++c) y[c] = first ? x[c * step] : F{}(y[c], x[c * step]);
}

// The output starts as the first input, then takes one input after the other.
BoundKernel bind_folds(const Broadcast& b, FoldFunction fold, size_t element_size) {
  const auto size = static_cast<int64_t>(element_size);
  return {[=](const KernelCall& call) {
    for_each_row(b, call.pool, [&](int64_t out, const std::array<int64_t, 3>&) {
      for (size_t i = 0; i < b.strides.size(); ++i) {
        const int64_t start = row_offset(out / b.width(), b.shape, b.strides[i]);
        fold(call.in<std::byte>(i) + start * size, b.strides[i].back(), call.out<std::byte>() + out * size, b.width(),
             i == 0);
      }
    });
  }};
}

template <class F>
BoundKernel bind_fold(const KernelSetup& setup) {
  setup.check(!setup.inputs.empty(), "expected at least one input");
  const DType dtype = setup.input(0).dtype;
  expect_dtype(setup, dtype, 0, setup.inputs.size() - 1);
  return dispatch(setup, dtype, [&](auto zero) {
    return bind_folds(broadcast_inputs(setup), fold_row<decltype(zero), F>, sizeof(zero));
  });
}

template <class T>
BoundKernel where_of_size(const Broadcast& b) {
  return {[b](const KernelCall& call) {
    for_each_row(b, call.pool, [&](int64_t out, const std::array<int64_t, 3>& in) {
      const uint8_t* condition = call.in<uint8_t>(0) + in[0];
      const T *yes = call.in<T>(1) + in[1], *no = call.in<T>(2) + in[2];
      for (int64_t i = 0; i < b.width(); ++i) {
        call.out<T>()[out + i] =
            condition[i * b.strides[0].back()] ? yes[i * b.strides[1].back()] : no[i * b.strides[2].back()];
      }
    });
  }};
}

BoundKernel bind_where(const KernelSetup& setup) {
  setup.check(setup.inputs.size() == 3, fmt("expected 3 inputs, got {}", setup.inputs.size()));
  setup.check(setup.input(0).dtype == DType::kBool, fmt("expected a BOOL condition, got {}", setup.input(0).dtype));
  expect_dtype(setup, setup.output().dtype, 1, 2);
  const Broadcast b = broadcast_inputs(setup);
  switch (size_of(setup.output().dtype)) {
    case 1: return where_of_size<uint8_t>(b);
    case 2: return where_of_size<uint16_t>(b);
    case 4: return where_of_size<uint32_t>(b);
    default: return where_of_size<uint64_t>(b);
  }
}

}  // namespace

void add_binary_kernels(KernelTable& table) {
  const auto add = [&](const char* op, const char* name, BoundKernel (*bind)(const KernelSetup&)) {
    table.add({op, name, Isa::kScalar, bind});
  };
  add("Add", "ref.add", bind_arithmetic<AddOp>);
  add("Sub", "ref.sub", bind_arithmetic<SubOp>);
  add("Mul", "ref.mul", bind_arithmetic<MulOp>);
  add("Div", "ref.div", bind_arithmetic<DivOp>);
  add("Pow", "ref.pow", bind_arithmetic<PowOp>);
  add("Min", "ref.min", bind_fold<MinOp>);
  add("Max", "ref.max", bind_fold<MaxOp>);
  add("Equal", "ref.equal", bind_compare<EqualOp>);
  add("Less", "ref.less", bind_compare<LessOp>);
  add("Greater", "ref.greater", bind_compare<GreaterOp>);
  add("And", "ref.and", bind_logic<AndOp>);
  add("Or", "ref.or", bind_logic<OrOp>);
  add("Not", "ref.not", bind_not);
  add("Where", "ref.where", bind_where);
}

}  // namespace pare
