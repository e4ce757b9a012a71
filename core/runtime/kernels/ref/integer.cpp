// pare.plan.QLinearAdd, QLinearGlobalAveragePool and QLinearRequantize.
#include "core/runtime/kernels/ref/integer.h"

#include <cmath>
#include <limits>

#include "core/runtime/kernels/ref/ref.h"

namespace pare {
namespace ref {

static QRange range_of(const KernelSetup& setup, DType dtype) {
  setup.check(dtype == DType::kU8 || dtype == DType::kI8, fmt("expected element type U8 or I8, got {}", dtype));
  return dtype == DType::kU8 ? QRange{0, 255} : QRange{-128, 127};
}

ByteParams byte_params(const KernelSetup& setup, const std::string& prefix, DType dtype) {
  const auto scale = static_cast<float>(setup.attrs().number(prefix + "_scale"));
  const int64_t zero_point = setup.attrs().integer(prefix + "_zero_point");
  const QRange range = range_of(setup, dtype);
  setup.check(scale > 0.0f && std::isfinite(scale), fmt("expected a scale > 0, got {}", scale));
  setup.check(zero_point >= range.low && zero_point <= range.high, fmt("expected a zero point of type {}, got {}", dtype, zero_point));
  return {scale, static_cast<int32_t>(zero_point)};
}

QRange stored_range(const KernelSetup& setup) {
  const QRange full = range_of(setup, setup.output().dtype);
  const int64_t low = setup.attrs().integer("low", full.low), high = setup.attrs().integer("high", full.high);
  setup.check(low >= full.low && high <= full.high && low <= high, fmt("expected bounds of type {}, got {} and {}", setup.output().dtype, low, high));
  return {static_cast<int32_t>(low), static_cast<int32_t>(high)};
}

}  // namespace ref

namespace {

using namespace ref;

// The sum of both dequantized values, quantized: what the nodes as written compute.
template <class A, class B>
BoundKernel add_bytes(const KernelSetup& setup, ByteParams a, ByteParams b) {
  const ByteParams y = byte_params(setup, "y", setup.output().dtype);
  const QRange range = stored_range(setup);
  const int64_t numel = setup.output().numel;
  return {[=](const KernelCall& call) {
    call.pool.parallel(numel, kElementGrain, [&](int64_t begin, int64_t end, int) {
      const A* x = call.in<A>(0);
      const B* z = call.in<B>(1);
      uint8_t* out = call.out<uint8_t>();
      for (int64_t i = begin; i < end; ++i) {
        const float sum = dequantize(x[i], a.scale, a.zero_point) + dequantize(z[i], b.scale, b.zero_point);
        out[i] = static_cast<uint8_t>(quantize(sum, y.scale, y.zero_point, range));
      }
    });
  }};
}

BoundKernel bind_add(const KernelSetup& setup) {
  const ByteParams a = byte_params(setup, "a", setup.input(0).dtype), b = byte_params(setup, "b", setup.input(1).dtype);
  expect_shape(setup, setup.input(0), setup.output().shape, "the first input");
  expect_shape(setup, setup.input(1), setup.output().shape, "the second input");
  return dispatch_bytes(setup, setup.input(0).dtype, [&](auto x) {
    return dispatch_bytes(setup, setup.input(1).dtype, [&](auto z) { return add_bytes<decltype(x), decltype(z)>(setup, a, b); });
  });
}

BoundKernel bind_integer_global_average_pool(const KernelSetup& setup) {
  const ByteParams x = byte_params(setup, "x", setup.input(0).dtype), y = byte_params(setup, "y", setup.output().dtype);
  const QRange range = stored_range(setup);
  const Shape& in = setup.input(0).shape;
  setup.check(in.size() >= 3, fmt("expected an input [N, C, ...], got {}", in));
  const int64_t planes = product(in, 0, 2), size = product(in, 2, static_cast<int64_t>(in.size()));
  // The sum of a plane has to fit int32.
  setup.check(size > 0 && size < (int64_t{1} << 22) && setup.output().numel == planes, fmt("expected a plane of 1 to 2^22 pixels, got {}", in));
  const float multiplier = x.scale / (y.scale * static_cast<float>(size));
  return dispatch_bytes(setup, setup.input(0).dtype, [&](auto zero) -> BoundKernel {
    using T = decltype(zero);
    return {[=](const KernelCall& call) {
      call.pool.parallel(planes, kElementGrain / size + 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t plane = begin; plane < end; ++plane) {
          int32_t sum = 0;
          for (int64_t i = 0; i < size; ++i) sum += call.in<T>(0)[plane * size + i] - x.zero_point;
          call.out<uint8_t>()[plane] = static_cast<uint8_t>(requantize(sum, multiplier, y.zero_point, range));
        }
      });
    }};
  });
}

// 256 results, one for each byte.
BoundKernel bind_requantize(const KernelSetup& setup) {
  const DType dtype = setup.input(0).dtype;
  const ByteParams x = byte_params(setup, "x", dtype), y = byte_params(setup, "y", setup.output().dtype);
  const QRange range = stored_range(setup);
  expect_shape(setup, setup.output(), setup.input(0).shape, "the output");
  std::array<uint8_t, 256> table{};
  for (int32_t byte = 0; byte < 256; ++byte) {
    const int32_t q = dtype == DType::kU8 ? byte : static_cast<int8_t>(byte);
    table[static_cast<size_t>(byte)] =
        static_cast<uint8_t>(quantize(dequantize(q, x.scale, x.zero_point), y.scale, y.zero_point, range));
  }
  const int64_t numel = setup.input(0).numel;
  return {[=](const KernelCall& call) {
    call.pool.parallel(numel, kElementGrain, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) call.out<uint8_t>()[i] = table[call.in<uint8_t>(0)[i]];
    });
  }};
}

}  // namespace

void add_integer_kernels(KernelTable& table) {
  table.add({"pare.plan.QLinearAdd", "ref.qlinear_add", Isa::kScalar, bind_add});
  table.add({"pare.plan.QLinearGlobalAveragePool", "ref.qlinear_global_average_pool", Isa::kScalar, bind_integer_global_average_pool});
  table.add({"pare.plan.QLinearRequantize", "ref.requantize", Isa::kScalar, bind_requantize});
}

}  // namespace pare
