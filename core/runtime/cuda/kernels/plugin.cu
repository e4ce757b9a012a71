// The plugin on a GPU: one context a device, one stream.
#include <cstdio>
#include <memory>

#include "core/runtime/cuda/kernels/kernels.h"

namespace pare::cuda {

struct Context {
  int device = 0;
  cudaStream_t stream = nullptr;
  cudaDeviceProp properties{};
};

namespace {

thread_local char last_error[256] = "";

int report(cudaError_t status) {
  if (status != cudaSuccess) std::snprintf(last_error, sizeof last_error, "%s", cudaGetErrorString(status));
  return status == cudaSuccess ? 0 : 1;
}

int open_device(int device, Context** out) {
  auto context = std::make_unique<Context>();
  context->device = device;
  if (report(cudaSetDevice(device)) != 0 || report(cudaGetDeviceProperties(&context->properties, device)) != 0 ||
      report(cudaStreamCreateWithFlags(&context->stream, cudaStreamNonBlocking)) != 0) {
    return 1;
  }
  *out = context.release();
  return 0;
}

void close_device(Context* context) {
  cudaStreamDestroy(context->stream);
  delete context;
}

const char* name_of(const Context* context) { return context->properties.name; }

// The current device belongs to the calling thread.
int allocate(Context* context, int64_t bytes, void** out) {
  cudaSetDevice(context->device);
  return report(cudaMalloc(out, static_cast<size_t>(bytes)));
}

void release(Context* context, void* buffer) {
  cudaSetDevice(context->device);
  cudaFree(buffer);
}

int synchronize(Context* context) { return report(cudaStreamSynchronize(context->stream)); }

int upload(Context* context, void* to, const void* from, int64_t bytes) {
  cudaSetDevice(context->device);
  return report(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyHostToDevice, context->stream));
}

int download(Context* context, void* to, const void* from, int64_t bytes) {
  cudaSetDevice(context->device);
  const int status = report(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDeviceToHost, context->stream));
  return status != 0 ? status : synchronize(context);
}

int launch_kernel(Context* context, const LaunchArguments* arguments) {
  cudaSetDevice(context->device);
  LaunchArguments own = *arguments;
  ByteConvParams conv;
  if (own.kernel == KernelId::kByteConv && own.params_size == sizeof conv && context->properties.major < 8) {
    conv = *static_cast<const ByteConvParams*>(own.params);
    conv.dot_products = 1;   // the instruction that the tensor cores' kernel needs came later
    own.params = &conv;
  }
  if (!run_kernel(context->stream, own, own.buffers)) {
    std::snprintf(last_error, sizeof last_error, "an unknown kernel");
    return 1;
  }
  return report(cudaGetLastError());
}

const char* error() { return last_error; }

const PluginApi kApi = {sizeof(PluginApi), kPluginVersion, open_device, close_device, name_of,       allocate, release,
                        upload,            download,       synchronize, launch_kernel, error};

}  // namespace
}  // namespace pare::cuda

extern "C" __attribute__((visibility("default"))) const pare::cuda::PluginApi* pare_cuda_plugin() { return &pare::cuda::kApi; }
