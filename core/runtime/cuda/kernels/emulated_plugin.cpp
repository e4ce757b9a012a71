// The plugin without a GPU: "device memory" is the host's under addresses that nobody can read by mistake, and kernels run at once,
// one thread after the other. Tests use it; PARE_CUDA_EMULATE=dots takes the path of GPUs without int8 tensor cores.
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "core/runtime/cuda/kernels/kernels.h"

namespace pare::cuda {

struct Context {};

namespace {

// No user's address has this bit: reading through such a pointer ends the program.
constexpr uintptr_t kDeviceBit = uintptr_t{1} << 62;

std::mutex mutex;
Context the_context;
std::map<uintptr_t, size_t> blocks;   // address and size of what is allocated
thread_local const char* last_error = "";

int fail(const char* text) {
  last_error = text;
  return 1;
}

void* host_of(const void* device) {
  const auto address = reinterpret_cast<uintptr_t>(device);
  return (address & kDeviceBit) != 0 ? reinterpret_cast<void*>(address ^ kDeviceBit) : nullptr;
}

bool is_allocated(const void* host, int64_t bytes) {
  const auto address = reinterpret_cast<uintptr_t>(host);
  auto block = blocks.upper_bound(address);
  if (block == blocks.begin()) return false;
  --block;
  return address + static_cast<size_t>(bytes) <= block->first + block->second;
}

int open_device(int device, Context** out) {
  if (device != 0) return fail("there is one emulated device");
  *out = &the_context;
  return 0;
}

void close_device(Context*) {}
const char* name_of(const Context*) { return "emulated"; }

int allocate(Context*, int64_t bytes, void** out) {
  const std::lock_guard lock(mutex);
  const auto size = (static_cast<size_t>(bytes) + 255) / 256 * 256;
  void* memory = std::aligned_alloc(256, size);
  if (!memory) return fail("out of memory");
  std::memset(memory, 0xa5, size);
  blocks[reinterpret_cast<uintptr_t>(memory)] = static_cast<size_t>(bytes);
  *out = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(memory) | kDeviceBit);
  return 0;
}

void release(Context*, void* buffer) {
  const std::lock_guard lock(mutex);
  blocks.erase(reinterpret_cast<uintptr_t>(host_of(buffer)));
  std::free(host_of(buffer));
}

int upload(Context*, void* to, const void* from, int64_t bytes) {
  const std::lock_guard lock(mutex);
  if (!is_allocated(host_of(to), bytes)) return fail("a copy to what is no device memory");
  std::memcpy(host_of(to), from, static_cast<size_t>(bytes));
  return 0;
}

int download(Context*, void* to, const void* from, int64_t bytes) {
  const std::lock_guard lock(mutex);
  if (!is_allocated(host_of(from), bytes)) return fail("a copy from what is no device memory");
  std::memcpy(to, host_of(from), static_cast<size_t>(bytes));
  return 0;
}

int synchronize(Context*) { return 0; }

int launch_kernel(Context*, const LaunchArguments* arguments) {
  const std::lock_guard lock(mutex);
  std::vector<void*> buffers;
  for (size_t i = 0; i < arguments->buffer_count; ++i) {
    void* host = host_of(arguments->buffers[i]);
    if (arguments->buffers[i] && (!host || !is_allocated(host, 0))) return fail("a kernel's operand outside device memory");
    buffers.push_back(host);
  }
  LaunchArguments own = *arguments;
  ByteConvParams conv;
  const char* mode = std::getenv("PARE_CUDA_EMULATE");
  if (own.kernel == KernelId::kByteConv && own.params_size == sizeof conv && mode && std::strcmp(mode, "dots") == 0) {
    conv = *static_cast<const ByteConvParams*>(own.params);
    conv.dot_products = 1;
    own.params = &conv;
  }
  return run_kernel(Stream{}, own, buffers.data()) ? 0 : fail("an unknown kernel");
}

const char* error() { return last_error; }

const PluginApi kApi = {sizeof(PluginApi), kPluginVersion, open_device, close_device, name_of,       allocate, release,
                        upload,            download,       synchronize, launch_kernel, error};

}  // namespace
}  // namespace pare::cuda

extern "C" __attribute__((visibility("default"))) const pare::cuda::PluginApi* pare_cuda_plugin() { return &pare::cuda::kApi; }
