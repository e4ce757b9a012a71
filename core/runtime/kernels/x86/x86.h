#pragma once
// Kernels for x86 beyond the baseline: drivers over the micro-kernels of a level (micro_kernels.h), one table a level.

#include "core/runtime/kernel.h"
#include "core/runtime/kernels/x86/byte_kernels.h"
#include "core/runtime/kernels/x86/micro_kernels.h"
#include "core/runtime/kernels/x86/pattern_kernels.h"

namespace pare {
namespace x86 {

/// What the drivers of one level use.
struct Level {
  Isa isa;
  const FloatKernels& floats;
  const IntegerKernels& integers;
  const LoopKernels& loops;
  const MathKernels& math;
  const PatternKernels& patterns;
  std::string label = name_of(isa);
  std::string name(const char* kernel) const { return fmt("{}.{}", label, kernel); }
};

/// A level that has dot products of bytes, and everything else from a level below.
struct ByteLevel {
  Isa isa;
  const ByteKernels& kernels;
  const Level& base;
  std::string label = name_of(isa);
};

/// The kernels of the levels, each list from the lowest up.
void add_levels(KernelTable& table, const std::vector<Level>& levels, const std::vector<ByteLevel>& byte_levels);

void add_byte_kernels(KernelTable& table, const ByteLevel& level);

void add_conv_kernels(KernelTable& table, const Level& level);
void add_depthwise_kernels(KernelTable& table, const Level& level);
void add_gemm_kernels(KernelTable& table, const Level& level);
void add_integer_kernels(KernelTable& table, const Level& level);
void add_math_kernels(KernelTable& table, const Level& level);
void add_pool_kernels(KernelTable& table, const Level& level);
void add_quantize_kernels(KernelTable& table, const Level& level);
void add_winograd_kernels(KernelTable& table, const Level& level);

/// Whether all operands and the first output are float32.
bool are_floats(const KernelSetup& setup);

/// Lines of bytes less their zero point.
void widen_lines(const IntegerKernels& kernels, const Lines<uint8_t, int16_t>& lines, bool is_signed, int32_t zero_point);

/// Depth of the blocks a panel is cut into, for sums of `depth` products: panels stay in the first-level cache.
int64_t depth_block(int64_t depth);

/// Rows of a left operand [rows, depth] as slivers [depth][tile_rows] (the last one as high as what is left), one
/// behind another.
void pack_left(const float* left, int64_t rows, int64_t depth, int tile_rows, float* to);

}  // namespace x86

/// The kernels of every level that this build knows; the plan takes those that its instruction set allows.
void add_x86_kernels(KernelTable& table);

}  // namespace pare
