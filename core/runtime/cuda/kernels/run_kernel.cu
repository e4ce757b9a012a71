// From ids to kernels.
#include "core/runtime/cuda/kernels/kernels.h"

namespace pare::cuda {
namespace {

template <class Params>
bool run_with(void (*run)(Stream, const Params&, const Buffers&), Stream stream, const LaunchArguments& arguments, void* const* buffers) {
  if (arguments.params_size != sizeof(Params)) return false;
  run(stream, *static_cast<const Params*>(arguments.params), Buffers{buffers});
  return true;
}

}  // namespace

bool run_kernel(Stream stream, const LaunchArguments& arguments, void* const* buffers) {
  const auto with = [&](auto run) { return run_with(run, stream, arguments, buffers); };
  switch (arguments.kernel) {
    case KernelId::kUnary: return with(run_unary);
    case KernelId::kBinary: return with(run_binary);
    case KernelId::kCopy: return with(run_copy);
    case KernelId::kFill: return with(run_fill);
    case KernelId::kQuantize: return with(run_quantize);
    case KernelId::kDequantize: return with(run_dequantize);
    case KernelId::kByteAdd: return with(run_byte_add);
    case KernelId::kByteTable: return with(run_byte_table);
    case KernelId::kMaxPool: return with(run_max_pool);
    case KernelId::kAveragePool: return with(run_average_pool);
    case KernelId::kPlaneMean: return with(run_plane_mean);
    case KernelId::kChannelScale: return with(run_channel_scale);
    case KernelId::kRows: return with(run_rows);
    case KernelId::kByteConv: return with(run_byte_conv);
    case KernelId::kByteConvDirect: return with(run_byte_conv_direct);
    case KernelId::kConv: return with(run_conv);
    case KernelId::kProduct: return with(run_product);
  }
  return false;
}

}  // namespace pare::cuda
