// One thread an element: functions of one and two operands, copies, bytes to floats and back.
#include "core/runtime/cuda/kernels/kernels.h"

namespace pare::cuda {
namespace {

constexpr int kThreads = 256;

PARE_DEVICE float unary(UnaryFunction function, float x, float alpha, float beta) {
  switch (function) {
    case UnaryFunction::kRelu: return x < 0.0f ? 0.0f : x;
    case UnaryFunction::kClip: return x < alpha ? alpha : x > beta ? beta : x;
    case UnaryFunction::kNeg: return -x;
    case UnaryFunction::kAbs: return fabsf(x);
    case UnaryFunction::kSigmoid: return 1.0f / (1.0f + expf(-x));
    case UnaryFunction::kTanh: return tanhf(x);
    case UnaryFunction::kSilu: return x / (1.0f + expf(-x));
    case UnaryFunction::kHardSigmoid: return fmaxf(0.0f, fminf(1.0f, alpha * x + beta));
    case UnaryFunction::kHardSwish: return x * fmaxf(0.0f, fminf(1.0f, x / 6.0f + 0.5f));
    case UnaryFunction::kSoftplus: return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x)));
    case UnaryFunction::kLeakyRelu: return x < 0.0f ? alpha * x : x;
    case UnaryFunction::kElu: return x < 0.0f ? alpha * expm1f(x) : x;
    case UnaryFunction::kGelu: return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
    case UnaryFunction::kGeluTanh: return 0.5f * x * (1.0f + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
    case UnaryFunction::kErf: return erff(x);
    case UnaryFunction::kExp: return expf(x);
    case UnaryFunction::kLog: return logf(x);
    case UnaryFunction::kSqrt: return sqrtf(x);
    case UnaryFunction::kFloor: return floorf(x);
    case UnaryFunction::kCeil: return ceilf(x);
    case UnaryFunction::kRound: return rintf(x);
    case UnaryFunction::kReciprocal: return 1.0f / x;
  }
  return x;
}

PARE_KERNEL unary_kernel(UnaryParams p, const float* x, float* y) {
  for (int64_t i = first_index(); i < p.numel; i += index_step()) y[i] = unary(p.function, x[i], p.alpha, p.beta);
}

PARE_DEVICE float binary(BinaryFunction function, float a, float b) {
  switch (function) {
    case BinaryFunction::kAdd: return a + b;
    case BinaryFunction::kSub: return a - b;
    case BinaryFunction::kMul: return a * b;
    case BinaryFunction::kDiv: return a / b;
    case BinaryFunction::kPow: return powf(a, b);
    case BinaryFunction::kMin: return b < a || b != b ? b : a;
    case BinaryFunction::kMax: return b > a || b != b ? b : a;
    case BinaryFunction::kPRelu: return a < 0.0f ? a * b : a;
  }
  return a;
}

// Offsets of both operands for the element with this index.
PARE_DEVICE void walk_to(const Walk& walk, int64_t index, int64_t* first, int64_t* second) {
  *first = *second = 0;
  for (int d = walk.rank - 1; d >= 0; --d) {
    const int64_t at = index % walk.shape[d];
    index /= walk.shape[d];
    *first += at * walk.strides[0][d];
    *second += at * walk.strides[1][d];
  }
}

PARE_KERNEL binary_kernel(BinaryParams p, const float* a, const float* b, float* y) {
  for (int64_t i = first_index(); i < p.numel; i += index_step()) {
    int64_t from_a, from_b;
    walk_to(p.walk, i, &from_a, &from_b);
    y[i] = binary(p.function, a[from_a], b[from_b]);
  }
}

template <class T>
PARE_KERNEL copy_kernel(CopyParams p, const T* x, T* y) {
  for (int64_t i = first_index(); i < p.numel; i += index_step()) {
    int64_t from, to;
    walk_to(p.walk, i, &from, &to);
    y[p.out_offset + to] = x[p.in_offset + from];
  }
}

template <class T>
PARE_KERNEL fill_kernel(FillParams p, T* y) {
  for (int64_t i = first_index(); i < p.numel; i += index_step()) y[i] = static_cast<T>(p.pattern);
}

template <class T>
PARE_KERNEL quantize_kernel(QuantizeParams p, const float* x, const float* scale, const T* zero_point, T* y) {
  const int32_t low = static_cast<T>(-1) < 0 ? -128 : 0, high = low + 255;
  for (int64_t i = first_index(); i < p.numel; i += index_step()) {
    const int64_t cell = i / p.inner % p.cells;
    y[i] = static_cast<T>(quantized(x[i], scale[cell], p.has_zero_point ? zero_point[cell] : 0, low, high));
  }
}

template <class T>
PARE_KERNEL dequantize_kernel(QuantizeParams p, const T* x, const float* scale, const T* zero_point, float* y) {
  for (int64_t i = first_index(); i < p.numel; i += index_step()) {
    const int64_t cell = i / p.inner % p.cells;
    // 64 bits: the difference of two 32-bit integers need not fit 32.
    y[i] = static_cast<float>(static_cast<int64_t>(x[i]) - (p.has_zero_point ? zero_point[cell] : 0)) * scale[cell];
  }
}

PARE_DEVICE int32_t byte_at(Element element, const void* bytes, int64_t i) {
  return element == Element::kU8 ? static_cast<int32_t>(static_cast<const uint8_t*>(bytes)[i])
                                 : static_cast<int32_t>(static_cast<const int8_t*>(bytes)[i]);
}

PARE_KERNEL byte_add_kernel(ByteAddParams p, const void* a, const void* b, uint8_t* y) {
  for (int64_t i = first_index(); i < p.numel; i += index_step()) {
    const float sum = dequantized(byte_at(p.a_element, a, i), p.a_scale, p.a_zero_point) +
                      dequantized(byte_at(p.b_element, b, i), p.b_scale, p.b_zero_point);
    y[i] = static_cast<uint8_t>(quantized(sum, p.y_scale, p.y.zero_point, p.y.low, p.y.high));
  }
}

PARE_KERNEL byte_table_kernel(ByteTableParams p, const uint8_t* x, uint8_t* y) {
  for (int64_t i = first_index(); i < p.numel; i += index_step()) y[i] = p.table[x[i]];
}

PARE_KERNEL channel_scale_kernel(ChannelScaleParams p, const float* x, const float* scale, const float* shift, float* y) {
  for (int64_t i = first_index(); i < p.numel; i += index_step()) {
    const int64_t channel = i / p.size % p.channels;
    y[i] = x[i] * scale[channel] + shift[channel];
  }
}

template <class T>
void launch_copy(Stream stream, const CopyParams& p, const Buffers& b) {
  launch(stream, grid_for(p.numel, kThreads), kThreads, false, copy_kernel<T>, p, b.in<T>(0), b.out<T>(1));
}

template <class T>
void launch_fill(Stream stream, const FillParams& p, const Buffers& b) {
  launch(stream, grid_for(p.numel, kThreads), kThreads, false, fill_kernel<T>, p, b.out<T>(0));
}

template <class T>
void launch_quantize(Stream stream, const QuantizeParams& p, const Buffers& b) {
  launch(stream, grid_for(p.numel, kThreads), kThreads, false, quantize_kernel<T>, p, b.in<float>(0), b.in<float>(1), b.in<T>(2),
         b.out<T>(3));
}

template <class T>
void launch_dequantize(Stream stream, const QuantizeParams& p, const Buffers& b) {
  launch(stream, grid_for(p.numel, kThreads), kThreads, false, dequantize_kernel<T>, p, b.in<T>(0), b.in<float>(1), b.in<T>(2),
         b.out<float>(3));
}

}  // namespace

void run_unary(Stream stream, const UnaryParams& p, const Buffers& b) {
  launch(stream, grid_for(p.numel, kThreads), kThreads, false, unary_kernel, p, b.in<float>(0), b.out<float>(1));
}

void run_binary(Stream stream, const BinaryParams& p, const Buffers& b) {
  launch(stream, grid_for(p.numel, kThreads), kThreads, false, binary_kernel, p, b.in<float>(0), b.in<float>(1), b.out<float>(2));
}

void run_copy(Stream stream, const CopyParams& p, const Buffers& b) {
  switch (p.element_bytes) {
    case 1: return launch_copy<uint8_t>(stream, p, b);
    case 2: return launch_copy<uint16_t>(stream, p, b);
    case 4: return launch_copy<uint32_t>(stream, p, b);
    default: return launch_copy<uint64_t>(stream, p, b);
  }
}

void run_fill(Stream stream, const FillParams& p, const Buffers& b) {
  switch (p.element_bytes) {
    case 1: return launch_fill<uint8_t>(stream, p, b);
    case 2: return launch_fill<uint16_t>(stream, p, b);
    case 4: return launch_fill<uint32_t>(stream, p, b);
    default: return launch_fill<uint64_t>(stream, p, b);
  }
}

void run_quantize(Stream stream, const QuantizeParams& p, const Buffers& b) {
  if (p.integer == Element::kU8) launch_quantize<uint8_t>(stream, p, b);
  else launch_quantize<int8_t>(stream, p, b);
}

void run_dequantize(Stream stream, const QuantizeParams& p, const Buffers& b) {
  if (p.integer == Element::kU8) launch_dequantize<uint8_t>(stream, p, b);
  else if (p.integer == Element::kI8) launch_dequantize<int8_t>(stream, p, b);
  else launch_dequantize<int32_t>(stream, p, b);
}

void run_byte_add(Stream stream, const ByteAddParams& p, const Buffers& b) {
  launch(stream, grid_for(p.numel, kThreads), kThreads, false, byte_add_kernel, p, b.in<void>(0), b.in<void>(1), b.out<uint8_t>(2));
}

void run_byte_table(Stream stream, const ByteTableParams& p, const Buffers& b) {
  launch(stream, grid_for(p.numel, kThreads), kThreads, false, byte_table_kernel, p, b.in<uint8_t>(0), b.out<uint8_t>(1));
}

void run_channel_scale(Stream stream, const ChannelScaleParams& p, const Buffers& b) {
  launch(stream, grid_for(p.numel, kThreads), kThreads, false, channel_scale_kernel, p, b.in<float>(0), b.in<float>(1),
         b.in<float>(2), b.out<float>(3));
}

}  // namespace pare::cuda
