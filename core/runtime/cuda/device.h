#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "core/base/tensor.h"
#include "core/runtime/cuda/plugin.h"

namespace pare {

/// A GPU behind libpare_cuda.so: memory, copies and launches on one stream. Thread-safe.
class CudaDevice {
 public:
  /// Opens the plugin that the environment variable PARE_CUDA_PLUGIN names, else libpare_cuda.so beside the running program
  /// or library, in ../lib, or where the loader finds it. Throws ConfigError without the plugin or without a GPU.
  static std::shared_ptr<CudaDevice> open(int index);
  ~CudaDevice();
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  std::string name() const { return api_->name(context_); }
  /// Device memory; throws ModelError when there is too little.
  std::shared_ptr<std::byte> allocate(int64_t bytes);
  /// A copy on the device; throws as `allocate` does.
  std::shared_ptr<std::byte> copy(const Tensor& tensor);
  /// The copy of a model's constant, made when first asked for and kept.
  std::byte* constant(const Tensor& tensor);
  void upload(std::byte* to, const std::byte* from, int64_t bytes);
  /// Waits for the kernels before it.
  void download(std::byte* to, const std::byte* from, int64_t bytes);
  void synchronize();
  void launch(const cuda::LaunchArguments& arguments);

 private:
  CudaDevice(const cuda::PluginApi* api, cuda::Context* context) : api_(api), context_(context) {}
  void check(int status, const char* what) const;

  const cuda::PluginApi* api_;
  cuda::Context* context_;
  std::mutex mutex_;
  struct Constant {
    Tensor host;   // keeps the address that is the key
    std::shared_ptr<std::byte> device;
  };
  std::map<const std::byte*, Constant> constants_;
};

}  // namespace pare
