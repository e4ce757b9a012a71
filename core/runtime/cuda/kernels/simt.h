#pragma once
// The part of CUDA that the kernels use, under names that a C++ compiler can give a meaning to as well: the kernels are
// compiled by nvcc for GPUs, and by the host's compiler into a library that runs the same threads one after the other
// (emulation.h), so that indices, tiles and arithmetic are tested where there is no GPU.

#include <cmath>
#include <cstdint>

#ifdef __CUDACC__
#include <cuda_runtime.h>
#define PARE_KERNEL __global__ void
#define PARE_DEVICE __device__ __forceinline__
#define PARE_SHARED __shared__
#else
#define PARE_KERNEL void
#define PARE_DEVICE inline
#define PARE_SHARED static
#include "core/runtime/cuda/kernels/emulation.h"
#endif

namespace pare::cuda {

#ifdef __CUDACC__
PARE_DEVICE int thread_index() { return static_cast<int>(threadIdx.x); }
PARE_DEVICE int block_size() { return static_cast<int>(blockDim.x); }
PARE_DEVICE int64_t block_x() { return blockIdx.x; }
PARE_DEVICE int64_t block_y() { return blockIdx.y; }
PARE_DEVICE int64_t block_z() { return blockIdx.z; }
PARE_DEVICE int64_t grid_x() { return gridDim.x; }
PARE_DEVICE void sync_block() { __syncthreads(); }

using Stream = cudaStream_t;
struct Grid {
  int64_t x = 1, y = 1, z = 1;
};

// `cooperative`: threads of a block wait for each other.
template <class... Params, class... Arguments>
void launch(Stream stream, Grid grid, int threads, bool /*cooperative*/, void (*kernel)(Params...), Arguments... arguments) {
  const dim3 blocks(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y), static_cast<unsigned>(grid.z));
  kernel<<<blocks, static_cast<unsigned>(threads), 0, stream>>>(arguments...);
}
#endif

/// Blocks for a loop over `count` elements that strides by the grid.
inline Grid grid_for(int64_t count, int threads) {
  const int64_t blocks = (count + threads - 1) / threads;
  return {blocks < 1 ? 1 : blocks > 65535 ? 65535 : blocks, 1, 1};
}
PARE_DEVICE int64_t first_index() { return block_x() * block_size() + thread_index(); }
PARE_DEVICE int64_t index_step() { return grid_x() * block_size(); }

// core/base/quant_math.h for the device: the same operations in the same order; tests compare every bit.
PARE_DEVICE int32_t bounded(float q, int32_t low, int32_t high) {
  if (q <= static_cast<float>(low)) return low;
  if (q >= static_cast<float>(high)) return high;
  return static_cast<int32_t>(q);
}
PARE_DEVICE int32_t quantized(float x, float scale, int32_t zero_point, int32_t low, int32_t high) {
  const float q = rintf(x / scale) + static_cast<float>(zero_point);
  if (!(q == q)) return zero_point < low ? low : zero_point > high ? high : zero_point;
  return bounded(q, low, high);
}
PARE_DEVICE float dequantized(int32_t q, float scale, int32_t zero_point) { return static_cast<float>(q - zero_point) * scale; }
PARE_DEVICE int32_t requantized(int32_t sum, float multiplier, int32_t zero_point, int32_t low, int32_t high) {
  return bounded(rintf(static_cast<float>(sum) * multiplier) + static_cast<float>(zero_point), low, high);
}

}  // namespace pare::cuda
