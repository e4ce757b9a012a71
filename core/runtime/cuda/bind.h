#pragma once

#include <array>
#include <memory>
#include <utility>

#include "core/runtime/cuda/device.h"
#include "core/runtime/kernel.h"

namespace pare {

/// Adds the kernels of a GPU, which are chosen before those of the CPU. What they do not accept stays on the CPU.
void add_cuda_kernels(KernelTable& table, const std::shared_ptr<CudaDevice>& device);

namespace cuda_binding {

using Device = std::shared_ptr<CudaDevice>;

void add_elementwise(KernelTable& table, const Device& device);
void add_integer(KernelTable& table, const Device& device);
void add_layers(KernelTable& table, const Device& device);
void add_products(KernelTable& table, const Device& device);

/// One row of the table, for the device.
void add(KernelTable& table, const char* op, const char* name, std::function<BoundKernel(const KernelSetup&)> bind,
         std::function<bool(const KernelSetup&)> accepts, const char* fused = "");

/// All present operands are F32.
bool all_floats(const KernelSetup& setup);
/// kF32, kU8, kI8 or kI32; the caller knows that it is one of them.
cuda::Element element_of(DType dtype);
bool is_byte(DType dtype);

/// Runs `id` with these parameters over the first `inputs` inputs, then `constants` (kept as long as the kernel), then the first output.
template <class Params>
BoundKernel launched(const Device& device, cuda::KernelId id, const Params& params, size_t inputs,
                     std::vector<std::shared_ptr<std::byte>> constants = {}, std::vector<size_t> repacked = {}) {
  const auto run = [=](const KernelCall& call) {
    std::array<void*, 8> buffers{};
    size_t count = 0;
    for (size_t i = 0; i < inputs; ++i, ++count) {
      buffers[count] = i < call.inputs.size() ? const_cast<std::byte*>(call.inputs[i]) : nullptr;
    }
    for (const auto& constant : constants) buffers[count++] = constant.get();
    buffers[count++] = call.outputs[0];
    device->launch({id, &params, sizeof params, buffers.data(), count});
  };
  return {run, 0, std::move(repacked)};
}

}  // namespace cuda_binding
}  // namespace pare
