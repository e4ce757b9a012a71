#pragma once
// What the executor and libpare_cuda.so agree on: a table of C functions and plain structs of parameters. The plugin knows
// kernels and memory, nothing of graphs. Any change of this file raises kPluginVersion.

#include <cstddef>
#include <cstdint>

namespace pare::cuda {

inline constexpr uint32_t kPluginVersion = 1;
inline constexpr int kMaxRank = 8;

/// What `launch` runs; each with its struct of parameters below.
enum class KernelId : uint32_t {
  kUnary, kBinary, kCopy, kFill, kQuantize, kDequantize, kByteAdd, kByteTable, kMaxPool, kAveragePool, kPlaneMean, kChannelScale,
  kRows, kByteConv, kByteConvDirect, kConv, kProduct,
};

enum class Element : int32_t { kF32, kU8, kI8, kI32 };

enum class UnaryFunction : int32_t {
  kRelu, kClip, kNeg, kAbs, kSigmoid, kTanh, kSilu, kHardSigmoid, kHardSwish, kSoftplus, kLeakyRelu, kElu, kGelu, kGeluTanh, kErf,
  kExp, kLog, kSqrt, kFloor, kCeil, kRound, kReciprocal,
};

/// Buffers: x, y (F32).
struct UnaryParams {
  UnaryFunction function;
  float alpha, beta;   ///< kClip: lowest and highest result
  int64_t numel;
};

enum class BinaryFunction : int32_t { kAdd, kSub, kMul, kDiv, kPow, kMin, kMax, kPRelu };

/// A dense output and where its elements come from. Strides and offsets in elements.
struct Walk {
  int32_t rank;
  int64_t shape[kMaxRank], strides[2][kMaxRank];
};

/// Buffers: a, b, y (F32); y is dense under walk.shape.
struct BinaryParams {
  BinaryFunction function;
  int64_t numel;
  Walk walk;   ///< strides of a and b
};

/// Buffers: x, y.
struct CopyParams {
  int64_t numel, element_bytes;
  Walk walk;   ///< strides of x and y
  int64_t in_offset, out_offset;
};

/// Buffers: y.
struct FillParams {
  int64_t numel, element_bytes;
  uint64_t pattern;   ///< the element's bytes
};

/// Buffers of kQuantize: x (F32), scale, zero point, y (`integer`); of kDequantize: x (`integer`), scale, zero point, y (F32).
struct QuantizeParams {
  Element integer;
  int32_t has_zero_point;
  int64_t numel, cells, inner;   ///< element i uses cell i / inner % cells
};

/// Inclusive bounds and zero point of stored bytes.
struct ByteRange {
  int32_t zero_point, low, high;
};

/// Buffers: a, b, y.
struct ByteAddParams {
  Element a_element, b_element;
  float a_scale, b_scale, y_scale;
  int32_t a_zero_point, b_zero_point;
  ByteRange y;
  int64_t numel;
};

/// Buffers: x, y: y = table[x].
struct ByteTableParams {
  int64_t numel;
  uint8_t table[256];
};

/// [N, C, H, W] in and out.
struct Window {
  int32_t batch, in_channels, out_channels, groups, in_h, in_w, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, dilation_h,
      dilation_w, pad_top, pad_left, pad_bottom, pad_right;
};

/// Buffers: x, y.
struct PoolParams {
  Window window;
  Element element;      ///< kMaxPool; averages are F32
  int32_t count_pads;
};

/// Buffers: x, y; F32 with the mean of each plane, bytes with requantize(sum of (x - zero point), multiplier).
struct PlaneMeanParams {
  Element element;
  int32_t x_zero_point;
  float multiplier;
  ByteRange y;
  int64_t planes, size;
};

/// Buffers: x, scale, shift (F32, one a channel), y: y = x * scale + shift.
struct ChannelScaleParams {
  int64_t numel, channels, size;
};

enum class RowFunction : int32_t { kSoftmax, kLogSoftmax, kLayerNorm, kRmsNorm };

/// Buffers: x, scale, shift (norms; shift may be null), y. Row r starts at r / inner * extent * inner + r % inner, with steps of inner.
struct RowParams {
  RowFunction function;
  int64_t rows, extent, inner;
  double epsilon;
};

/// Where one product of a convolution reads: `offset` from the window's corner, `row` and `column` below and right of it.
struct Tap {
  int32_t offset, row, column;
};
/// Row of taps that stand behind the last product: always outside.
inline constexpr int32_t kNoTap = 1 << 29;

/// Buffers: x, filters, taps, bias (I32), multipliers (F32), y. kByteConv: filters are int8 [outputs][padded], bias holds
/// - zero point * sum of the filter, padding counts as the zero point. kByteConvDirect: filters are int16 [outputs][depth],
/// bias as it is, padding counts as 0.
struct ByteConvParams {
  Window window;
  Element x_element;
  int32_t x_zero_point, depth, padded;   ///< padded: a multiple of 32
  ByteRange y;
  int32_t dot_products;                  ///< kByteConv: four-way dot products instead of the tensor cores
};

/// Buffers: x, filters [outputs][depth], taps, bias or null, residual or null, y. All F32.
struct ConvParams {
  Window window;
  int32_t depth;
  float low, high;
};

/// Buffers: a, b, c or null, y. y[i][m][n] = alpha * sum over k of a * b + beta * c, F32. Strides in elements.
struct ProductParams {
  int64_t m, n, k, a_m, a_k, b_k, b_n, c_m, c_n;
  float alpha, beta;
  int64_t products;
  Walk batch;   ///< strides of a and b
};

struct Context;

struct LaunchArguments {
  KernelId kernel;
  const void* params;
  size_t params_size;
  void* const* buffers;   ///< in the order above
  size_t buffer_count;
};

/// Functions return 0, or another value and explain it through `error`. `upload` and `launch` are queued in order and do not
/// wait; `download` and `synchronize` do.
struct PluginApi {
  uint32_t struct_size, version;
  int (*open)(int device, Context** out);
  void (*close)(Context*);
  const char* (*name)(const Context*);
  int (*allocate)(Context*, int64_t bytes, void** out);
  void (*release)(Context*, void* buffer);
  int (*upload)(Context*, void* to, const void* from, int64_t bytes);
  int (*download)(Context*, void* to, const void* from, int64_t bytes);
  int (*synchronize)(Context*);
  int (*launch)(Context*, const LaunchArguments*);
  const char* (*error)();   ///< of the last failure on this thread
};

/// The one symbol of the plugin.
using PluginEntry = const PluginApi* (*)();
inline constexpr const char* kPluginEntry = "pare_cuda_plugin";

}  // namespace pare::cuda
