// Products of 2 x 8 by 8 x 2 bytes for NEON with SMMLA.
#include "core/runtime/kernels/arm/arm_kernels.h"
#include "core/runtime/kernels/arm/neon_dots.h"

namespace pare::arm {
namespace {

struct NeonI8mm : NeonIntegers {
  static constexpr int kTileRows = 8, kGroup = 8;

  static void store_group(uint8_t* to, const uint64_t (&taps)[8]) {
    const auto pairs = [&](int i) {
      const uint8x8x2_t zipped = vzip_u8(vcreate_u8(taps[i]), vcreate_u8(taps[i + 1]));
      return vreinterpretq_u16_u8(vcombine_u8(zipped.val[0], zipped.val[1]));
    };
    vst4q_u16(reinterpret_cast<uint16_t*>(to), uint16x8x4_t{{pairs(0), pairs(2), pairs(4), pairs(6)}});
  }
};

constexpr int kColumns = 8, kColumnPairs = kColumns / 2, kGroup = NeonI8mm::kGroup;

// Rows that the tile lacks start from 0.
int32x4_t start_of(const x86::IntegerTile& t, int rows, int row, int column) {
  const auto half = [&](int r) {
    if (r >= rows) return vdup_n_s32(0);
    return t.resume ? vld1_s32(t.sums + r * kColumns + column) : vdup_n_s32(t.start[r]);
  };
  return vcombine_s32(half(row), half(row + 1));
}

// Sums of kPairs pairs of rows, of which the last may lack its second row, into sums [rows][kColumns].
template <int kPairs>
void sum_pairs(const x86::IntegerTile& t, int rows, int32_t* sums) {
  int32x4_t sum[kPairs][kColumnPairs];  // [row of the pair][column of the pair]
#pragma GCC unroll 4
  for (int p = 0; p < kPairs; ++p) {
#pragma GCC unroll 4
    for (int c = 0; c < kColumnPairs; ++c) sum[p][c] = start_of(t, rows, 2 * p, 2 * c);
  }
  const bool odd = rows % 2 != 0;
  const auto *left = reinterpret_cast<const int8_t*>(t.left), *panel = reinterpret_cast<const int8_t*>(t.panel);
  for (int64_t k = 0; k < t.pairs; ++k) {
    int8x16_t right[kColumnPairs];
#pragma GCC unroll 4
    for (int c = 0; c < kColumnPairs; ++c) right[c] = vld1q_s8(panel + 2 * c * kGroup);
#pragma GCC unroll 4
    for (int p = 0; p < kPairs; ++p) {
      const int8_t* from = left + 2 * p * kGroup;
      const int8x16_t pair = p == kPairs - 1 && odd ? vcombine_s8(vld1_s8(from), vdup_n_s8(0)) : vld1q_s8(from);
#pragma GCC unroll 4
      for (int c = 0; c < kColumnPairs; ++c) sum[p][c] = vmmlaq_s32(sum[p][c], pair, right[c]);
    }
    left += rows * kGroup;
    panel += kColumns * kGroup;
  }
#pragma GCC unroll 4
  for (int p = 0; p < kPairs; ++p) {
#pragma GCC unroll 4
    for (int c = 0; c < kColumnPairs; ++c) {
      vst1_s32(sums + 2 * p * kColumns + 2 * c, vget_low_s32(sum[p][c]));
      if (p < kPairs - 1 || !odd) vst1_s32(sums + (2 * p + 1) * kColumns + 2 * c, vget_high_s32(sum[p][c]));
    }
  }
}

void multiply(const x86::IntegerTile& t, int rows, int columns) {
  int32_t own[NeonI8mm::kTileRows * kColumns];
  int32_t* sums = t.finish ? own : t.sums;
  if (rows > 6)
    sum_pairs<4>(t, rows, sums);
  else if (rows > 4)
    sum_pairs<3>(t, rows, sums);
  else if (rows > 2)
    sum_pairs<2>(t, rows, sums);
  else
    sum_pairs<1>(t, rows, sums);
  if (!t.finish) return;
  using V = NeonI8mm;
  x86::Requantizer<V> requantize{{}, V::broadcast(t.zero_point), V::broadcast(t.low), V::broadcast(t.high)};
  for (int r = 0; r < rows; ++r) {
    requantize.multiplier = V::broadcast(t.multiplier[r]);
    uint8_t bytes[kColumns], *to = t.out + r * t.out_row;
    V::store_bytes(bytes, requantize(vld1q_s32(own + r * kColumns)), requantize(vld1q_s32(own + r * kColumns + 4)));
    for (int c = 0; c < columns; ++c) to[c * t.out_column] = bytes[c];
  }
}

}  // namespace

const x86::ByteKernels& neon_i8mm_byte_kernels() {
  static constexpr x86::ByteKernels kKernels = {NeonI8mm::kTileRows,
                                                kColumns,
                                                kGroup,
                                                NeonDots::kSigned,
                                                multiply,
                                                x86::dot_bytes<NeonDots>,
                                                x86::gather_bytes<NeonI8mm>,
                                                x86::copy_bytes<NeonI8mm>};
  return kKernels;
}

}  // namespace pare::arm
