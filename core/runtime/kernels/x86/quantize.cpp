// QuantizeLinear of float32 to bytes with one scale.
#include "core/base/quant_math.h"
#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/x86/x86.h"

namespace pare::x86 {
namespace {

BoundKernel bind_quantize(const KernelSetup& setup, const IntegerKernels& kernels) {
  const DType dtype = setup.output().dtype;
  ref::expect_shape(setup, setup.output(), setup.input(0).shape, "the output");
  const bool is_signed = dtype == DType::kI8, has_zero = setup.has_input(2);
  const QRange range = is_signed ? QRange{-128, 127} : QRange{0, 255};
  const int64_t numel = setup.input(0).numel;
  return {[=, quantize_bytes = kernels.quantize](const KernelCall& call) {
    const float scale = call.in<float>(1)[0];
    const int32_t zero = !has_zero ? 0 : is_signed ? call.in<int8_t>(2)[0] : call.in<uint8_t>(2)[0];
    call.pool.parallel(numel, ref::kElementGrain, [&](int64_t begin, int64_t end, int) {
      const float* x = call.in<float>(0);
      uint8_t* out = call.out<uint8_t>();
      const int64_t done = quantize_bytes({x + begin, scale, static_cast<float>(zero), static_cast<float>(range.low),
                                           static_cast<float>(range.high), out + begin},
                                          end - begin);
      for (int64_t i = begin + done; i < end; ++i) out[i] = static_cast<uint8_t>(quantize(x[i], scale, zero, range));
    });
  }};
}

bool accepts_quantize(const KernelSetup& setup) {
  const DType dtype = setup.output().dtype;
  if (setup.input(0).dtype != DType::kF32 || setup.input(1).dtype != DType::kF32 || setup.input(1).numel != 1)
    return false;
  if (setup.has_input(2) && (setup.input(2).dtype != dtype || setup.input(2).numel != 1)) return false;
  return dtype == DType::kU8 || dtype == DType::kI8;
}

}  // namespace

void add_quantize_kernels(KernelTable& table, const Level& level) {
  const IntegerKernels* kernels = &level.integers;
  table.add({"QuantizeLinear", level.name("quantize"), level.isa,
             [kernels](const KernelSetup& s) { return bind_quantize(s, *kernels); }, accepts_quantize});
}

}  // namespace pare::x86
