#include "core/model/cuts.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "core/base/gather.h"

namespace pare {
namespace {

at::Tensor gathered(const at::Tensor& tensor, const ParamRemap& entry) {
  std::vector<DimCut> cuts;
  for (const auto& cut : entry.cuts) cuts.push_back({cut.dim, cut.indices});
  const CellGather gather(tensor.sizes().vec(), static_cast<int64_t>(tensor.element_size()), cuts);
  at::Tensor out = at::empty(gather.shape(), tensor.options().requires_grad(false));
  gather.run(static_cast<const std::byte*>(tensor.const_data_ptr()), static_cast<std::byte*>(out.mutable_data_ptr()));
  return out;
}

}  // namespace

at::Tensor apply_cuts(at::Tensor tensor, const ParamRemap& entry) {
  Shape left = tensor.sizes().vec();
  for (const auto& cut : entry.cuts) {
    PARE_CHECK(cut.dim >= 0 && cut.dim < tensor.dim(), ModelError, "[remap] expected a dim of shape {}, got {}",
               tensor.sizes().vec(), cut.dim);
    int64_t& size = left[static_cast<size_t>(cut.dim)];
    const bool inside = std::all_of(cut.indices.begin(), cut.indices.end(), [&](int64_t i) { return i >= 0 && i < size; });
    PARE_CHECK(inside, ModelError, "[remap] expected indices below {} along dim {}, got {}", size, cut.dim, cut.indices);
    size = static_cast<int64_t>(cut.indices.size());
  }
  if (!entry.cuts.empty() && tensor.is_cpu() && tensor.is_contiguous() && !tensor.requires_grad())
    return gathered(tensor, entry);
  for (const auto& cut : entry.cuts)
    tensor = tensor.index_select(cut.dim, at::tensor(at::ArrayRef<int64_t>(cut.indices), at::kLong).to(tensor.device()));
  return tensor;
}

}  // namespace pare
