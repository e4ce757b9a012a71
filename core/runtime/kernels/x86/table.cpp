#include <algorithm>

#include "core/runtime/kernels/x86/pattern_conv.h"
#include "core/runtime/kernels/x86/x86.h"

namespace pare::x86 {

bool are_floats(const KernelSetup& setup) {
  for (const TensorSpec& spec : setup.inputs) {
    if (spec.present && spec.dtype != DType::kF32) return false;
  }
  return setup.output().dtype == DType::kF32;
}

void widen_lines(const IntegerKernels& kernels, const Lines<uint8_t, int16_t>& l, bool is_signed, int32_t zero_point) {
  for (int64_t i = 0; i < l.lines; ++i)
    kernels.widen(l.from + i * l.from_line, l.step, l.count, is_signed, zero_point, l.to + i * l.to_line);
}

int64_t depth_block(int64_t depth) {
  constexpr int64_t kMost = 320;  // 16 columns of 320 floats: 20 KB
  const int64_t blocks = std::max<int64_t>(1, (depth + kMost - 1) / kMost);
  return std::max<int64_t>(1, (depth + blocks - 1) / blocks);
}

void pack_left(const float* left, int64_t rows, int64_t depth, int tile_rows, float* to) {
  for (int64_t first = 0; first < rows; first += tile_rows) {
    const int64_t height = std::min<int64_t>(tile_rows, rows - first);
    for (int64_t k = 0; k < depth; ++k) {
      for (int64_t r = 0; r < height; ++r) *to++ = left[(first + r) * depth + k];
    }
  }
}

void add_levels(KernelTable& table, const std::vector<Level>& levels, const std::vector<ByteLevel>& byte_levels) {
  for (const Level& level : levels) {
    add_conv_kernels(table, level);
    add_gemm_kernels(table, level);
    add_integer_kernels(table, level);
    add_pool_kernels(table, level);
    add_quantize_kernels(table, level);
    add_math_kernels(table, level);
    add_integer_pattern_kernels(table, level, 1.0);
  }
  for (const ByteLevel& level : byte_levels) {
    constexpr double kByteTime = 0.5;  // four products where int16 has two
    add_byte_kernels(table, level);
    Level base = level.base;
    base.isa = level.isa, base.label = level.label;
    add_integer_pattern_kernels(table, base, kByteTime);
  }
  // Behind the general ones: the last that accepts a node is taken.
  for (const Level& level : levels) {
    add_winograd_kernels(table, level);
    add_depthwise_kernels(table, level);
    add_float_pattern_kernels(table, level);
  }
}

}  // namespace pare::x86
