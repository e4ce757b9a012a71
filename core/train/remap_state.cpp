#include "core/train/remap_state.h"

#include <ATen/ops/tensor.h>

namespace pare {

ParamRemap entry_of(const Remap& remap, const std::string& name) {
  const auto found = remap.entries.find(name);
  ParamRemap entry = found == remap.entries.end() ? ParamRemap{} : found->second;
  if (entry.from.empty()) entry.from = name;
  return entry;
}

bool has_source(const ParamRemap& entry) {
  return entry.kind == ParamRemap::Kind::kKept || entry.kind == ParamRemap::Kind::kSliced;
}

at::Tensor moved_tensor(const ParamRemap& entry, at::Tensor tensor) {
  for (const auto& cut : entry.cuts)
    tensor = tensor.index_select(cut.dim, at::tensor(at::ArrayRef<int64_t>(cut.indices), at::kLong).to(tensor.device()));
  return tensor;
}

}  // namespace pare
