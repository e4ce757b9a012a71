#pragma once
// The plugin's kernels behind host functions; parameters and buffers as plugin.h says.

#include "core/runtime/cuda/kernels/simt.h"
#include "core/runtime/cuda/plugin.h"

namespace pare::cuda {

struct Buffers {
  void* const* at;
  template <class T> const T* in(int i) const { return static_cast<const T*>(at[i]); }
  template <class T> T* out(int i) const { return static_cast<T*>(at[i]); }
};

void run_unary(Stream stream, const UnaryParams& p, const Buffers& b);
void run_binary(Stream stream, const BinaryParams& p, const Buffers& b);
void run_copy(Stream stream, const CopyParams& p, const Buffers& b);
void run_fill(Stream stream, const FillParams& p, const Buffers& b);
void run_quantize(Stream stream, const QuantizeParams& p, const Buffers& b);
void run_dequantize(Stream stream, const QuantizeParams& p, const Buffers& b);
void run_byte_add(Stream stream, const ByteAddParams& p, const Buffers& b);
void run_byte_table(Stream stream, const ByteTableParams& p, const Buffers& b);
void run_max_pool(Stream stream, const PoolParams& p, const Buffers& b);
void run_average_pool(Stream stream, const PoolParams& p, const Buffers& b);
void run_plane_mean(Stream stream, const PlaneMeanParams& p, const Buffers& b);
void run_channel_scale(Stream stream, const ChannelScaleParams& p, const Buffers& b);
void run_rows(Stream stream, const RowParams& p, const Buffers& b);
void run_byte_conv(Stream stream, const ByteConvParams& p, const Buffers& b);
void run_byte_conv_direct(Stream stream, const ByteConvParams& p, const Buffers& b);
void run_conv(Stream stream, const ConvParams& p, const Buffers& b);
void run_product(Stream stream, const ProductParams& p, const Buffers& b);

/// Runs the kernel of an id; false: no such id, or parameters of another size.
bool run_kernel(Stream stream, const LaunchArguments& arguments, void* const* buffers);

}  // namespace pare::cuda
