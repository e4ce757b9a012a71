// MaxPool over float32 and bytes: the maximum over rows, then over columns, of whole lines; then every stride-th one.
#include "core/runtime/kernels/ref/conv_geometry.h"
#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/x86/x86.h"

#include <algorithm>
#include <limits>

namespace pare::x86 {
namespace {

using ref::ConvGeometry;

template <class T>
using Maximum = void (*)(const T* line, int64_t count, T* best);

template <class T>
constexpr T kLowest = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                           : std::numeric_limits<T>::lowest();

// Columns that the windows of an output line span, padding included.
int64_t span_of(const ConvGeometry& g) {
  return (g.out_w - 1) * g.stride_w + (g.kernel_w - 1) * g.dilation_w + 1;
}

// `tall` and `best`: a span each.
template <class T>
void pool_line(const ConvGeometry& g, Maximum<T> maximum, const T* plane, int64_t h, T* tall, T* best, T* out) {
  const int64_t span = span_of(g), inside = std::clamp<int64_t>(span - g.pad_left, 0, g.in_w);
  std::fill(tall, tall + span, kLowest<T>);
  for (int64_t i = 0; i < g.kernel_h; ++i) {
    const int64_t row = h * g.stride_h - g.pad_top + i * g.dilation_h;
    if (inside > 0 && row >= 0 && row < g.in_h) maximum(plane + row * g.in_w, inside, tall + g.pad_left);
  }
  const int64_t starts = (g.out_w - 1) * g.stride_w + 1;
  T* to = g.stride_w == 1 ? out : best;
  std::copy(tall, tall + starts, to);
  for (int64_t j = 1; j < g.kernel_w; ++j) maximum(tall + j * g.dilation_w, starts, to);
  if (g.stride_w != 1)
    for (int64_t w = 0; w < g.out_w; ++w) out[w] = best[w * g.stride_w];
}

template <class T>
BoundKernel bind_type(const KernelSetup& setup, Maximum<T> maximum) {
  const ConvGeometry g = ref::pool_geometry(setup);
  setup.check(g.out_w > 0, "expected an output");
  const int64_t span = span_of(g);
  const int64_t bytes = ref::checked_product(setup, {setup.threads, 2, span, int64_t{sizeof(T)}});
  return {[g, maximum, span](const KernelCall& call) {
            call.pool.parallel(g.batch * g.in_channels * g.out_h, 1 + ref::kElementGrain / span,
                               [&](int64_t begin, int64_t end, int thread) {
                                 T* tall = reinterpret_cast<T*>(call.workspace) + thread * 2 * span;
                                 for (int64_t line = begin; line < end; ++line) {
                                   const T* plane = call.in<T>(0) + line / g.out_h * g.in_plane();
                                   pool_line(g, maximum, plane, line % g.out_h, tall, tall + span,
                                             call.out<T>() + line * g.out_w);
                                 }
                               });
          },
          bytes};
}

BoundKernel bind_max_pool(const KernelSetup& setup, const LoopKernels& loops) {
  const DType dtype = setup.input(0).dtype;
  ref::expect_dtype(setup, dtype, 0, 0);
  switch (dtype) {
    case DType::kF32:
      return bind_type<float>(setup, loops.max_f32);
    case DType::kU8:
      return bind_type<uint8_t>(setup, loops.max_u8);
    default:
      return bind_type<int8_t>(setup, loops.max_i8);
  }
}

bool accepts_pool(const KernelSetup& setup) {
  const DType dtype = setup.input(0).dtype;
  return (dtype == DType::kF32 || dtype == DType::kU8 || dtype == DType::kI8) && setup.output().numel > 0;
}

}  // namespace

void add_pool_kernels(KernelTable& table, const Level& level) {
  const LoopKernels* loops = &level.loops;
  table.add({"MaxPool", level.name("max_pool"), level.isa,
             [loops](const KernelSetup& s) { return bind_max_pool(s, *loops); }, accepts_pool});
}

}  // namespace pare::x86
