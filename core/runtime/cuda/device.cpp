#include "core/runtime/cuda/device.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace pare {
namespace {

constexpr const char* kPluginName = "libpare_cuda.so";

// Folders of this code: the program's, or the library's that contains the runtime.
std::vector<std::string> candidates() {
  const char* named = std::getenv("PARE_CUDA_PLUGIN");
  if (named && *named) return {named};
  std::vector<std::string> paths;
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&candidates), &info) != 0 && info.dli_fname) {
    const std::string file = info.dli_fname;
    const size_t slash = file.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : file.substr(0, slash);
    paths = {folder + "/" + kPluginName, folder + "/../lib/" + kPluginName};
  }
  paths.emplace_back(kPluginName);
  return paths;
}

const cuda::PluginApi* open_plugin() {
  std::string reason;
  for (const std::string& path : candidates()) {
    // Never closed: the driver does not bear it.
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
      reason = dlerror();
      continue;
    }
    const auto entry = reinterpret_cast<cuda::PluginEntry>(dlsym(library, cuda::kPluginEntry));
    PARE_CHECK(entry, ConfigError, "[device] expected a CUDA device, got a plugin \"{}\" without {}", path, cuda::kPluginEntry);
    const cuda::PluginApi* api = entry();
    PARE_CHECK(api && api->version == cuda::kPluginVersion && api->struct_size == sizeof(cuda::PluginApi), ConfigError,
               "[device] expected a CUDA device, got a plugin \"{}\" of another version. Use the one built with this program", path);
    return api;
  }
  throw ConfigError(fmt("[device] expected a CUDA device, got no plugin {} ({}). PARE_CUDA_PLUGIN can name its file", kPluginName,
                        reason));
}

}  // namespace

std::shared_ptr<CudaDevice> CudaDevice::open(int index) {
  const cuda::PluginApi* api = open_plugin();
  cuda::Context* context = nullptr;
  PARE_CHECK(api->open(index, &context) == 0, ConfigError, "[device] expected a CUDA device, got none with number {} ({})", index,
             api->error());
  return std::shared_ptr<CudaDevice>(new CudaDevice(api, context));
}

CudaDevice::~CudaDevice() {
  constants_.clear();
  api_->close(context_);
}

void CudaDevice::check(int status, const char* what) const {
  PARE_CHECK(status == 0, ModelError, "[device] expected to {}, got {}", what, api_->error());
}

std::shared_ptr<std::byte> CudaDevice::allocate(int64_t bytes) {
  void* buffer = nullptr;
  check(api_->allocate(context_, std::max<int64_t>(bytes, 1), &buffer), "allocate device memory");
  return {static_cast<std::byte*>(buffer), [this](std::byte* b) { api_->release(context_, b); }};
}

std::shared_ptr<std::byte> CudaDevice::copy(const Tensor& tensor) {
  std::shared_ptr<std::byte> device = allocate(tensor.nbytes());
  upload(device.get(), tensor.bytes(), tensor.nbytes());
  return device;
}

std::byte* CudaDevice::constant(const Tensor& tensor) {
  const std::lock_guard lock(mutex_);
  Constant& kept = constants_[tensor.bytes()];
  if (!kept.device) {
    kept = {tensor, copy(tensor)};
  }
  return kept.device.get();
}

void CudaDevice::upload(std::byte* to, const std::byte* from, int64_t bytes) {
  if (bytes > 0) check(api_->upload(context_, to, from, bytes), "copy to the device");
}

void CudaDevice::download(std::byte* to, const std::byte* from, int64_t bytes) {
  if (bytes > 0) check(api_->download(context_, to, from, bytes), "copy from the device");
}

void CudaDevice::synchronize() { check(api_->synchronize(context_), "finish the kernels"); }

void CudaDevice::launch(const cuda::LaunchArguments& arguments) { check(api_->launch(context_, &arguments), "run a kernel"); }

}  // namespace pare
