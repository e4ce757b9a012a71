#include "core/runtime/cuda/bind.h"

namespace pare {

void add_cuda_kernels(KernelTable& table, const std::shared_ptr<CudaDevice>& device) {
  cuda_binding::add_elementwise(table, device);
  cuda_binding::add_integer(table, device);
  cuda_binding::add_layers(table, device);
  cuda_binding::add_products(table, device);
}

namespace cuda_binding {

void add(KernelTable& table, const char* op, const char* name, std::function<BoundKernel(const KernelSetup&)> bind,
         std::function<bool(const KernelSetup&)> accepts, const char* fused) {
  // A launch over no elements is an error in CUDA.
  const auto checked = [bind = std::move(bind)](const KernelSetup& setup) -> BoundKernel {
    BoundKernel bound = bind(setup);
    if (setup.output().numel == 0) bound.run = [](const KernelCall&) {};
    return bound;
  };
  Kernel kernel{op, name, Isa::kScalar, checked, std::move(accepts)};
  kernel.fused = fused;
  kernel.on_device = true;
  table.add(std::move(kernel));
}

bool all_floats(const KernelSetup& setup) {
  const auto is_float = [](const TensorSpec& spec) { return !spec.present || spec.dtype == DType::kF32; };
  return std::all_of(setup.inputs.begin(), setup.inputs.end(), is_float) &&
         std::all_of(setup.outputs.begin(), setup.outputs.end(), is_float);
}

cuda::Element element_of(DType dtype) {
  switch (dtype) {
    case DType::kU8: return cuda::Element::kU8;
    case DType::kI8: return cuda::Element::kI8;
    case DType::kI32: return cuda::Element::kI32;
    default: return cuda::Element::kF32;
  }
}

bool is_byte(DType dtype) { return dtype == DType::kU8 || dtype == DType::kI8; }

}  // namespace cuda_binding
}  // namespace pare
