// Operators that move no element, and Shape, Cast, Expand.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/base/half.h"
#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/ref/ref.h"

namespace pare {
namespace {

using namespace ref;

BoundKernel bind_shape(const KernelSetup& setup) {
  setup.check(setup.output().dtype == DType::kI64, fmt("expected an I64 output, got {}", setup.output().dtype));
  const Shape& x = setup.input(0).shape;
  const int64_t rank = setup.input(0).rank();
  const auto clamp = [rank](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t start = clamp(setup.attrs().integer("start", 0)), end = clamp(setup.attrs().integer("end", rank));
  const Shape dims(x.begin() + start, x.begin() + std::max(start, end));
  setup.check(setup.output().numel == static_cast<int64_t>(dims.size()), fmt("expected {} outputs", dims.size()));
  return {[dims](const KernelCall& call) { std::copy(dims.begin(), dims.end(), call.out<int64_t>()); }};
}

BoundKernel bind_expand(const KernelSetup& setup) {
  expect_dtype(setup, setup.input(0).dtype, 0, 0);
  StridedCopy copy;
  copy.shape = setup.output().shape;
  copy.in_strides = broadcast_strides(setup, setup.input(0).shape, copy.shape);
  copy.out_strides = strides_of(copy.shape);
  check_copy(setup, copy, setup.input(0).numel, setup.output().numel);
  const int64_t bytes = size_of(setup.output().dtype);
  return {[=](const KernelCall& call) { run_copy(copy, bytes, call.inputs[0], call.outputs[0], call.pool); }};
}

// Float to integer truncates towards zero after saturation; NaN gives 0. Booleans are bytes, true unless 0.
template <class To, class From>
To convert(From x) {
  if constexpr (std::is_integral_v<To> && !std::is_integral_v<From>) {
    const auto value = static_cast<double>(static_cast<float>(x));
    const double wide = std::is_same_v<From, double> ? static_cast<double>(x) : value;
    if (!(wide == wide)) return 0;
    if (wide <= static_cast<double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
    if (wide >= static_cast<double>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
    return static_cast<To>(wide);
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    return To(static_cast<float>(x));
  } else {
    return static_cast<To>(x);
  }
}

// One conversion function a pair of types, over a range of elements.
using ConvertRange = void (*)(const std::byte* in, std::byte* out, int64_t begin, int64_t end);

template <class From, class To, bool kToBool, bool kFromBool>
void convert_range(const std::byte* in, std::byte* out, int64_t begin, int64_t end) {
  const auto* x = reinterpret_cast<const From*>(in);
  auto* y = reinterpret_cast<To*>(out);
  for (int64_t i = begin; i < end; ++i) {
    if constexpr (kToBool) y[i] = static_cast<float>(x[i]) != 0.0f;
    else if constexpr (kFromBool) y[i] = convert<To>(x[i] != 0 ? 1 : 0);
    else y[i] = convert<To>(x[i]);
  }
}

template <class F>
ConvertRange visit_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kF32: return f(float{});
    case DType::kF64: return f(double{});
    case DType::kF16: return f(Half{});
    case DType::kBF16: return f(BFloat16{});
    case DType::kI8: return f(int8_t{});
    case DType::kI16: return f(int16_t{});
    case DType::kU16: return f(uint16_t{});
    case DType::kI32: return f(int32_t{});
    case DType::kU32: return f(uint32_t{});
    case DType::kI64: return f(int64_t{});
    case DType::kU64: return f(uint64_t{});
    case DType::kU8:
    case DType::kBool: return f(uint8_t{});
  }
  return nullptr;
}

ConvertRange converter(DType from, DType to) {
  return visit_type(from, [&](auto x) {
    return visit_type(to, [&](auto y) -> ConvertRange {
      using From = decltype(x);
      using To = decltype(y);
      if constexpr (std::is_same_v<To, uint8_t>) {
        if (to == DType::kBool) return convert_range<From, To, true, false>;
      }
      if constexpr (std::is_same_v<From, uint8_t>) {
        if (from == DType::kBool) return convert_range<From, To, false, true>;
      }
      return convert_range<From, To, false, false>;
    });
  });
}

BoundKernel bind_cast(const KernelSetup& setup) {
  expect_shape(setup, setup.output(), setup.input(0).shape, "the output");
  const ConvertRange convert_elements = converter(setup.input(0).dtype, setup.output().dtype);
  const int64_t numel = setup.input(0).numel;
  return {[=](const KernelCall& call) {
    call.pool.parallel(numel, kElementGrain, [&](int64_t begin, int64_t end, int) {
      convert_elements(call.inputs[0], call.outputs[0], begin, end);
    });
  }};
}

bool keeps_dtype(const KernelSetup& setup) { return setup.input(0).dtype == setup.output().dtype; }

}  // namespace

void add_shape_kernels(KernelTable& table) {
  for (const char* op : {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"}) {
    table.add({op, "alias", Isa::kScalar, nullptr, keeps_dtype, true});
  }
  table.add({"Shape", "ref.shape", Isa::kScalar, bind_shape});
  table.add({"Expand", "ref.expand", Isa::kScalar, bind_expand});
  table.add({"Cast", "ref.cast", Isa::kScalar, bind_cast});
}

}  // namespace pare
