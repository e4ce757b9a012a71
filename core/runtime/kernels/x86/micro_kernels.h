#pragma once
// What one instruction set level provides: plain functions over raw memory. Their files alone are compiled for the
// level, so they include no header whose inline functions a linker could take for the whole program.

#include <cstdint>

namespace pare::x86 {

/// No level has wider panels.
inline constexpr int kMaxColumns = 32;

/// One block of out [rows, columns] = left [rows, depth] * panel [depth, columns].
struct FloatTile {
  const float* left = nullptr;
  int64_t left_row = 0;          ///< distance of rows; 0: packed as [depth][rows]
  const float* panel = nullptr;  ///< [depth][FloatKernels::columns]
  /// Row k of the panel lies at panel + offsets[k], readable as far as FloatKernels::columns; null: rows follow each
  /// other. Only with a packed left operand.
  const int32_t* offsets = nullptr;
  int64_t depth = 0;
  float* out = nullptr;
  int64_t out_row = 0;
  bool resume = false;  ///< sums go on from what `out` holds, else from the starts below, else from 0
  const float* row_start = nullptr;
  const float* column_start = nullptr;
  bool finish = false;              ///< last block along depth: residual and bounds are applied
  const float* residual = nullptr;  ///< added, laid out as `out`
  float low = 0.0f, high = 0.0f;
};

/// One output plane [height, width] of a depthwise convolution: pixel (h, w) sums weights[t] * x[offsets[t] + h * line
/// + w]. Up to 16 elements behind a line's last pixel may be read (32 of int16).
struct FloatPlane {
  const float* x = nullptr;
  const int32_t* offsets = nullptr;
  const float* weights = nullptr;
  int64_t taps = 0, line = 0, height = 0, width = 0;
  int64_t tap_lines = 0;  ///< lines of taps: those of each line lie offsets[taps / tap_lines] behind the line before
  float start = 0.0f;
  const float* residual = nullptr;  ///< added, laid out as `out`
  float low = 0.0f, high = 0.0f;
  float* out = nullptr;
};

/// The end of Winograd's F(4x4, 3x3) for one output channel and a panel of tiles, counted along the rows of tiles.
struct WinogradOutput {
  const float* sums = nullptr;  ///< [36] panels, `step` apart
  int64_t step = 0, first = 0;  ///< `first`: tile in lane 0
  int count = 0;                ///< tiles of the panel
  int64_t tiles_w = 0, height = 0, width = 0;
  float start = 0.0f;
  const float* residual = nullptr;  ///< plane, added; or null
  float low = 0.0f, high = 0.0f;
  float* out = nullptr;  ///< plane
};

/// to[l * to_line + i] = from[l * from_line + i * step] for l < lines, i < count.
template <class From, class To>
struct Lines {
  const From* from = nullptr;
  int64_t from_line = 0, step = 1, lines = 0, count = 0;
  To* to = nullptr;
  int64_t to_line = 0;
};

struct FloatKernels {
  int rows, columns;  ///< of a full tile
  /// 1 <= rows, columns <= those of a full tile. Sums are fused multiply-adds in the order of depth.
  void (*multiply)(const FloatTile& tile, int rows, int columns);
  /// panel[k][c] = x[offsets[k] + pixels[c]]. With `whole_vectors` up to 8 floats behind a pixel may be read.
  void (*gather)(const float* x, const int32_t* offsets, int64_t depth, const int32_t* pixels, bool whole_vectors,
                 float* panel);
  void (*depthwise)(const FloatPlane& plane);
  void (*copy)(const Lines<float, float>& lines);
  /// taps [36][columns], a 6 x 6 input a tile, to 36 panels, `out_step` apart.
  void (*winograd_input)(const float* taps, int64_t out_step, float* out);
  void (*winograd_output)(const WinogradOutput& output);
};

const FloatKernels& avx2_float_kernels();
const FloatKernels& avx512_float_kernels();

/// One block of left [rows, depth] * panel [depth, columns] over int16 pairs along depth, requantized to bytes:
/// out = clamp(nearbyint(float(start + sum) * multiplier) + zero_point). Sums are exact as long as they fit int32.
struct IntegerTile {
  const int16_t* left = nullptr;   ///< [pairs][rows][2]
  const int16_t* panel = nullptr;  ///< [pairs][IntegerKernels::columns][2]
  int64_t pairs = 0;
  const int32_t* start = nullptr;  ///< one a row
  int32_t* sums = nullptr;         ///< [rows][IntegerKernels::columns], between the blocks of one depth
  bool resume = false;             ///< sums go on from `sums`, else from `start`
  bool finish = true;              ///< last block along depth: writes `out`, else `sums`
  const float* multiplier = nullptr;
  float zero_point = 0.0f, low = 0.0f, high = 0.0f;
  uint8_t* out = nullptr;
  int64_t out_row = 0, out_column = 1;
};

/// As FloatPlane, over int16 and requantized like IntegerTile. Taps go in pairs; a last one alone has a partner of
/// weight 0.
struct IntegerPlane {
  const int16_t* x = nullptr;
  const int32_t* offsets = nullptr;  ///< [pairs][2]
  const int16_t* weights = nullptr;  ///< [pairs][2]
  int64_t pairs = 0, line = 0, height = 0, width = 0;
  int64_t taps = 0, tap_lines = 0;
  int32_t start = 0;
  float multiplier = 1.0f, zero_point = 0.0f, low = 0.0f, high = 0.0f;
  uint8_t* out = nullptr;
};

/// out = clamp(nearbyint((dequantized a + dequantized b) / scale) + zero_point), NaN to the zero point.
struct ByteSum {
  const uint8_t *a = nullptr, *b = nullptr;
  bool a_signed = false, b_signed = false;
  float a_scale = 1.0f, b_scale = 1.0f, scale = 1.0f;
  int32_t a_zero = 0, b_zero = 0;
  float zero_point = 0.0f, low = 0.0f, high = 0.0f;
  uint8_t* out = nullptr;
};

/// out = clamp(nearbyint(x / scale) + zero_point), NaN to the zero point.
struct ByteQuantization {
  const float* x = nullptr;
  float scale = 1.0f, zero_point = 0.0f, low = 0.0f, high = 0.0f;
  uint8_t* out = nullptr;
};

struct IntegerKernels {
  int rows, columns;  ///< of a full tile
  void (*multiply)(const IntegerTile& tile, int rows, int columns);
  /// Sum of x[i] * w[i], exact as long as the sum of the products' magnitudes fits int32.
  int32_t (*dot)(const int16_t* x, const int16_t* w, int64_t depth);
  /// panel[k / 2][c][k % 2] = x[offsets[k] + pixels[c]], a last half pair with 0. With `whole_vectors` up to 16
  /// elements behind a pixel may be read.
  void (*gather)(const int16_t* x, const int32_t* offsets, int64_t depth, const int32_t* pixels, bool whole_vectors,
                 int16_t* panel);
  /// to[i] = from[i * step] - zero_point.
  void (*widen)(const uint8_t* from, int64_t step, int64_t count, bool is_signed, int32_t zero_point, int16_t* to);
  /// Adds the first elements and returns how many: the rest of fewer than 16 is the caller's.
  int64_t (*add)(const ByteSum& sum, int64_t count);
  int64_t (*quantize)(const ByteQuantization& quantization, int64_t count);
  void (*depthwise)(const IntegerPlane& plane);
};

const IntegerKernels& avx2_integer_kernels();
const IntegerKernels& avx512_integer_kernels();

struct LoopKernels {
  /// best[i] = the larger of best[i] and line[i]; NaN is the largest.
  void (*max_f32)(const float* line, int64_t count, float* best);
  void (*max_u8)(const uint8_t* line, int64_t count, uint8_t* best);
  void (*max_i8)(const int8_t* line, int64_t count, int8_t* best);
};

const LoopKernels& avx2_loop_kernels();
const LoopKernels& avx512_loop_kernels();

/// out = (x - mean) / sqrt(variance + epsilon) * scale + bias over one row; the mean counts as 0 unless `centred`.
struct NormalizedRow {
  const float *x = nullptr, *scale = nullptr, *bias = nullptr;  ///< bias: or null
  int64_t count = 0;
  double epsilon = 0.0;
  bool centred = true;
  float* out = nullptr;
};

/// y[i] = f(x[i]); in place is fine.
using MapFloats = void (*)(const float* x, int64_t count, float* y);

struct MathKernels {
  MapFloats exp, sigmoid, silu, tanh, erf, gelu, gelu_tanh;
  MapFloats softmax;  ///< of one row; the sum is taken in double
  void (*normalize)(const NormalizedRow& row);
};

const MathKernels& avx2_math_kernels();
const MathKernels& avx512_math_kernels();

}  // namespace pare::x86
