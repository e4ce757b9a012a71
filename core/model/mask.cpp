#include <ATen/TensorOperators.h>

#include "core/format/encoding_json.h"
#include "core/model/cuts.h"
#include "core/model/parametrization.h"

namespace pare {

Mask::Mask(at::Tensor mask, Encoding encoding) : encoding_(std::move(encoding)) { set_mask(std::move(mask)); }

void Mask::set_mask(at::Tensor mask) {
  PARE_CHECK(mask.defined(), ModelError, "[mask] expected a mask, got an undefined tensor");
  mask_ = mask.detach().to(at::kFloat).contiguous();
  dropped_ = mask_ == 0;
}

// Not a product: -1 * 0 is -0, which a sparse layout would have to store.
at::Tensor Mask::apply(const at::Tensor& raw) const { return raw.masked_fill(dropped_, 0.0); }

std::map<std::string, at::Tensor> Mask::state() const { return {{"mask", mask_}}; }

Json Mask::settings() const { return {{"encoding", encoding_to_json(encoding_)}}; }

void Mask::remap(const ParamRemap& entry) {
  const at::Tensor mask = apply_cuts(mask_, entry);
  // A cut may break groups and blocks; zeros then go by element.
  if (!entry.cuts.empty() && (encoding_.layout == Layout::kNofM || encoding_.layout == Layout::kBlock))
    encoding_ = {.layout = Layout::kBitmask};
  // Each kernel keeps its pattern, not each group of kernels.
  if (!entry.cuts.empty() && encoding_.layout == Layout::kPattern)
    encoding_.block.assign(encoding_.block.size(), 1);
  set_mask(mask);
}

std::unique_ptr<EncodedTensor> Mask::encode(const Tensor& effective) const {
  return std::make_unique<EncodedTensor>(smallest_layout(
      encoding_, [&](const Encoding& encoding) { return pare::encode(effective, encoding); }));
}

std::unique_ptr<Parametrization> Mask::clone() const { return std::make_unique<Mask>(mask_.clone(), encoding_); }

void Mask::to(at::Device device) {
  mask_ = mask_.to(device);
  dropped_ = dropped_.to(device);
}

}  // namespace pare
