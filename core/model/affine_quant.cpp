#include "core/format/cells.h"
#include "core/format/encoding_json.h"
#include "core/model/cell_shape.h"
#include "core/model/cuts.h"
#include "core/model/fake_quantize.h"
#include "core/model/parametrization.h"
#include "core/model/tensor_bridge.h"

namespace pare {

AffineQuant::AffineQuant(at::Tensor scale, at::Tensor zero_point, Encoding encoding, bool full_range)
    : scale_(scale.detach().to(at::kFloat).contiguous()),
      zero_point_(zero_point.detach().to(at::kInt).contiguous()),
      encoding_(std::move(encoding)),
      full_range_(full_range) {
  PARE_CHECK(scale_.dim() == 1 && scale_.sizes() == zero_point_.sizes(), ModelError,
             "[affine] expected scale and zero point of one shape [cells], got {} and {}", scale_.sizes().vec(),
             zero_point_.sizes().vec());
  PARE_CHECK(scale_.gt(0).all().item<bool>() && scale_.isfinite().all().item<bool>(), ModelError,
             "[affine] expected scales > 0");
  encoding_.codec = Codec::kAffine;
  symmetric_ = encoding_.is_signed && !full_range && zero_point_.eq(0).all().item<bool>();
}

QRange AffineQuant::range() const { return qrange(encoding_.bits, encoding_.is_signed, symmetric_); }

at::Tensor AffineQuant::apply(const at::Tensor& raw) const {
  const int64_t cells = cells_of(encoding_, raw.sizes().vec());
  PARE_CHECK(scale_.numel() == cells, ModelError, "[affine] expected {} scales for shape {}, got {}", cells,
             raw.sizes().vec(), scale_.numel());
  return fake_quantize(raw, spread_cells(scale_, encoding_, raw.sizes()),
                       spread_cells(zero_point_, encoding_, raw.sizes()), range());
}

std::map<std::string, at::Tensor> AffineQuant::state() const { return {{"scale", scale_}, {"zero_point", zero_point_}}; }

Json AffineQuant::settings() const {
  return {{"encoding", encoding_to_json(encoding_)}, {"full_range", full_range_}};
}

void AffineQuant::remap(const ParamRemap& entry) {
  for (const auto& cut : entry.cuts) {
    const bool grouped = encoding_.group_size != 0 && (cut.dim == encoding_.group_axis || cut.dim == encoding_.axis);
    PARE_CHECK(!grouped, ModelError, "[affine] cannot cut along dim {} of a weight with scales for groups of {}. Prune "
               "before quantizing.", cut.dim, encoding_.group_size);
    if (cut.dim != encoding_.axis) continue;
    const ParamRemap cells{.kind = ParamRemap::Kind::kSliced, .cuts = {{0, cut.indices}}};
    scale_ = apply_cuts(scale_, cells);
    zero_point_ = apply_cuts(zero_point_, cells);
  }
}

std::unique_ptr<EncodedTensor> AffineQuant::encode(const Tensor& effective) const {
  const CellIndex index(encoding_, effective.shape());
  const Tensor scale = lend(scale_), zero_point = lend(zero_point_);
  Tensor q(DType::kI32, effective.shape());
  auto* to = q.mutable_data<int32_t>();
  const auto values = effective.span<float>();
  for (int64_t i = 0; i < q.numel(); ++i) {
    const auto cell = static_cast<size_t>(index.of(i));
    to[i] = quantize(values[static_cast<size_t>(i)], scale.data<float>()[cell], zero_point.data<int32_t>()[cell], range());
  }
  const bool all_zero = zero_point_.eq(0).all().item<bool>();
  return std::make_unique<EncodedTensor>(
      encode_affine(q, scale.clone(), all_zero ? Tensor() : zero_point.clone(), encoding_));
}

std::unique_ptr<Parametrization> AffineQuant::clone() const {
  return std::make_unique<AffineQuant>(scale_.clone(), zero_point_.clone(), encoding_, full_range_);
}

}  // namespace pare
