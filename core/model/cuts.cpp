#include "core/model/cuts.h"

#include <ATen/ops/tensor.h>

#include <algorithm>

namespace pare {

at::Tensor apply_cuts(at::Tensor tensor, const ParamRemap& entry) {
  for (const auto& cut : entry.cuts) {
    PARE_CHECK(cut.dim >= 0 && cut.dim < tensor.dim(), ModelError, "[remap] expected a dim of shape {}, got {}",
               tensor.sizes().vec(), cut.dim);
    const int64_t size = tensor.size(cut.dim);
    const bool inside = std::all_of(cut.indices.begin(), cut.indices.end(), [&](int64_t i) { return i >= 0 && i < size; });
    PARE_CHECK(inside, ModelError, "[remap] expected indices below {} along dim {}, got {}", size, cut.dim, cut.indices);
    tensor = tensor.index_select(cut.dim, at::tensor(at::ArrayRef<int64_t>(cut.indices), at::kLong).to(tensor.device()));
  }
  return tensor;
}

}  // namespace pare
