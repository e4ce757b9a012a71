// QuantizeLinear, DequantizeLinear and pare.FakeQuant as they are written: float on one side, core/base/quant_math.h.
#include <limits>

#include "core/base/quant_math.h"
#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/ref/ref.h"

namespace pare {
namespace {

using namespace ref;

// Which cell of scale and zero point an element uses.
struct Cells {
  AxisSplit split;   // extent 1: one cell for all
  int64_t numel = 0;
  bool has_zero_point = false;
};

Cells cells_of(const KernelSetup& setup, int64_t default_axis) {
  const TensorSpec &x = setup.input(0), &scale = setup.input(1);
  setup.check(scale.dtype == DType::kF32, fmt("expected an F32 scale, got {}", scale.dtype));
  Cells cells{{1, 1, x.numel}, x.numel, setup.has_input(2)};
  if (scale.numel != 1) {
    const int64_t axis = front_axis(setup, setup.attrs().integer("axis", default_axis), x.rank());
    cells.split = split_at(x.shape, axis);
    setup.check(scale.rank() == 1 && scale.numel == cells.split.extent,
                fmt("expected {} scales, got shape {}", cells.split.extent, scale.shape));
  }
  if (cells.has_zero_point) setup.check(setup.input(2).numel == scale.numel, "expected as many zero points as scales");
  expect_shape(setup, setup.output(), x.shape, "the output");
  return cells;
}

// Calls f(first element, count, cell) for runs of elements that share a cell.
template <class F>
void for_each_run(const Cells& cells, ThreadPool& pool, F&& f) {
  const AxisSplit& s = cells.split;
  if (s.extent == 1) {
    return pool.parallel(cells.numel, kElementGrain, [&](int64_t begin, int64_t end, int) { f(begin, end - begin, 0); });
  }
  pool.parallel(s.outer * s.extent, kElementGrain / (s.inner + 1) + 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) f(row * s.inner, s.inner, row % s.extent);
  });
}

template <class T>
BoundKernel quantize_to(const Cells& cells) {
  return {[cells](const KernelCall& call) {
    const QRange range{std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
    for_each_run(cells, call.pool, [&](int64_t first, int64_t count, int64_t cell) {
      const float scale = call.in<float>(1)[cell];
      const int32_t zero_point = cells.has_zero_point ? call.in<T>(2)[cell] : 0;
      const float* x = call.in<float>(0) + first;
      for (int64_t i = 0; i < count; ++i) call.out<T>()[first + i] = static_cast<T>(quantize(x[i], scale, zero_point, range));
    });
  }};
}

BoundKernel bind_quantize(const KernelSetup& setup) {
  setup.check(setup.input(0).dtype == DType::kF32, fmt("expected an F32 input, got {}", setup.input(0).dtype));
  const DType dtype = setup.output().dtype;
  if (setup.has_input(2)) setup.check(setup.input(2).dtype == dtype, fmt("expected a zero point of type {}", dtype));
  const Cells cells = cells_of(setup, 1);
  switch (dtype) {
    case DType::kU8: return quantize_to<uint8_t>(cells);
    case DType::kI8: return quantize_to<int8_t>(cells);
    case DType::kU16: return quantize_to<uint16_t>(cells);
    case DType::kI16: return quantize_to<int16_t>(cells);
    default: setup.fail(fmt("expected an output of type U8, I8, U16 or I16, got {}", dtype));
  }
}

template <class T>
BoundKernel dequantize_from(const Cells& cells) {
  return {[cells](const KernelCall& call) {
    for_each_run(cells, call.pool, [&](int64_t first, int64_t count, int64_t cell) {
      const float scale = call.in<float>(1)[cell];
      // 64 bits: the difference of two 32-bit integers need not fit 32.
      using Wide = std::conditional_t<sizeof(T) == 4, int64_t, int32_t>;
      const Wide zero_point = cells.has_zero_point ? call.in<T>(2)[cell] : 0;
      const T* x = call.in<T>(0) + first;
      for (int64_t i = 0; i < count; ++i) call.out<float>()[first + i] = static_cast<float>(x[i] - zero_point) * scale;
    });
  }};
}

BoundKernel bind_dequantize(const KernelSetup& setup) {
  const DType dtype = setup.input(0).dtype;
  setup.check(setup.output().dtype == DType::kF32, fmt("expected an F32 output, got {}", setup.output().dtype));
  if (setup.has_input(2)) setup.check(setup.input(2).dtype == dtype, fmt("expected a zero point of type {}", dtype));
  const Cells cells = cells_of(setup, 1);
  switch (dtype) {
    case DType::kU8: return dequantize_from<uint8_t>(cells);
    case DType::kI8: return dequantize_from<int8_t>(cells);
    case DType::kU16: return dequantize_from<uint16_t>(cells);
    case DType::kI16: return dequantize_from<int16_t>(cells);
    case DType::kI32: return dequantize_from<int32_t>(cells);
    default: setup.fail(fmt("expected an 8-, 16- or 32-bit integer input, got {}", dtype));
  }
}

BoundKernel bind_fake_quant(const KernelSetup& setup) {
  expect_dtype(setup, DType::kF32, 0, 1);
  setup.check(setup.input(2).dtype == DType::kI32, fmt("expected an I32 zero point, got {}", setup.input(2).dtype));
  const Cells cells = cells_of(setup, -1);
  const int64_t bits = setup.attrs().integer("bits", 8);
  setup.check(bits >= 2 && bits <= 16, fmt("expected bits in [2, 16], got {}", bits));
  const QRange range = qrange(static_cast<int>(bits), setup.attrs().integer("signed", 0) != 0,
                              setup.attrs().integer("symmetric", 0) != 0);
  return {[=](const KernelCall& call) {
    for_each_run(cells, call.pool, [&](int64_t first, int64_t count, int64_t cell) {
      const float scale = call.in<float>(1)[cell];
      const int32_t zero_point = std::clamp(call.in<int32_t>(2)[cell], range.low, range.high);
      const float* x = call.in<float>(0) + first;
      for (int64_t i = 0; i < count; ++i) call.out<float>()[first + i] = fake_quantize(x[i], scale, zero_point, range);
    });
  }};
}

}  // namespace

void add_quant_kernels(KernelTable& table) {
  table.add({"QuantizeLinear", "ref.quantize", Isa::kScalar, bind_quantize});
  table.add({"DequantizeLinear", "ref.dequantize", Isa::kScalar, bind_dequantize});
  table.add({"pare.FakeQuant", "ref.fake_quant", Isa::kScalar, bind_fake_quant});
}

}  // namespace pare
