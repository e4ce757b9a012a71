#pragma once
// Sums of products of bytes: the tensor cores' 16 x 8 x 32 instruction, and four products a thread. `left` is always int8,
// `right` int8 or uint8; sums wrap.

#include "core/runtime/cuda/kernels/simt.h"

namespace pare::cuda {

#ifdef __CUDACC__

template <bool kSigned>
PARE_DEVICE void multiply_fragments(int32_t (&sums)[4], const int32_t (&left)[4], const int32_t (&right)[2]) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  if constexpr (kSigned) {
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
                 : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
  } else {
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.u8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
                 : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
  }
#else
  __trap();  // such GPUs are given the other path
#endif
}

template <bool kSigned>
PARE_DEVICE int32_t dot_bytes(int32_t left, int32_t right, int32_t sum) {
  int32_t out;
  if constexpr (kSigned) asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(out) : "r"(left), "r"(right), "r"(sum));
  else asm("dp4a.s32.u32 %0, %1, %2, %3;" : "=r"(out) : "r"(left), "r"(right), "r"(sum));
  return out;
}

#else

inline int32_t byte_of(int32_t word, int byte, bool is_signed) {
  const uint32_t bits = static_cast<uint32_t>(word) >> (8 * byte) & 0xff;
  return is_signed ? static_cast<int8_t>(bits) : static_cast<int32_t>(bits);
}

template <bool kSigned>
int32_t dot_bytes(int32_t left, int32_t right, int32_t sum) {
  auto out = static_cast<uint32_t>(sum);
  for (int b = 0; b < 4; ++b) out += static_cast<uint32_t>(byte_of(left, b, true) * byte_of(right, b, kSigned));
  return static_cast<int32_t>(out);
}

// The places of elements in the lanes' registers are those of the PTX manual's figures for mma.m16n8k32.
template <bool kSigned>
void multiply_fragments(int32_t (&sums)[4], const int32_t (&left)[4], const int32_t (&right)[2]) {
  const int lane = thread_index() % 32;
  emulation::Exchange& exchange = emulation::next_exchange();
  for (int i = 0; i < 4; ++i) exchange.values[lane][i] = left[i];
  for (int i = 0; i < 2; ++i) exchange.values[lane][4 + i] = right[i];
  emulation::wait_for_warp();
  for (int c = 0; c < 4; ++c) {
    const int row = lane / 4 + 8 * (c / 2), column = lane % 4 * 2 + c % 2;
    for (int k = 0; k < 32; k += 4) {
      const int quad = k % 16 / 4, half = k / 16;
      sums[c] = dot_bytes<kSigned>(exchange.values[row % 8 * 4 + quad][2 * half + row / 8],
                                   exchange.values[column * 4 + quad][4 + half], sums[c]);
    }
  }
}

#endif

}  // namespace pare::cuda
