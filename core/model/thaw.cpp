#include <algorithm>
#include <limits>

#include "core/format/layout.h"
#include "core/model/freeze.h"
#include "core/model/qdq.h"

namespace pare {
namespace {

bool keeps_links(const Encoding& encoding) {
  return encoding.codec == Codec::kRaw || encoding.codec == Codec::kF16 || encoding.codec == Codec::kBF16 ||
         encoding.codec == Codec::kAffine;
}

std::shared_ptr<Parametrization> mask_of(const EncodedTensor& encoded) {
  const Positions positions = read_layout(encoded);
  Tensor mask(DType::kF32, encoded.shape);
  auto* to = mask.mutable_data<float>();
  for (int64_t k = 0; k < positions.count(); ++k) to[positions.at(k)] = 1.0f;
  Encoding encoding = encoded.encoding;
  if (encoding.codec == Codec::kAffine) encoding.codec = Codec::kRaw;
  return std::make_shared<Mask>(borrow(mask), encoding);
}

std::shared_ptr<Parametrization> affine_of(const EncodedTensor& encoded) {
  const int bits = encoded.encoding.bits;
  const Tensor q = decode_integers(encoded);
  const auto values = q.span<int32_t>();
  const int64_t lowest = values.empty() ? 0 : *std::min_element(values.begin(), values.end());
  const bool full_range = encoded.encoding.is_signed && lowest == -(int64_t{1} << (bits - 1));
  Encoding encoding = encoded.encoding;
  encoding.layout = Layout::kDense;
  return std::make_shared<AffineQuant>(borrow(scales_of(encoded)), borrow(zero_points_of(encoded)), encoding, full_range);
}

}  // namespace

Model thaw(const FrozenModel& frozen, OpTable ops, TorchOps torch_ops) {
  Graph graph = frozen.graph;
  ConstantStore constants = decode_constants(frozen);
  infer_shapes(graph, constants, ops);
  qdq_to_fake_quant(graph, constants);
  Model model(std::move(graph), constants, std::move(ops), std::move(torch_ops));
  for (const Param& p : model.params()) {
    const EncodedTensor& encoded = frozen.constants.at(p.name);
    const Encoding& encoding = encoded.encoding;
    if (encoding == Encoding{} || !keeps_links(encoding)) continue;
    const bool narrow = encoding.codec == Codec::kF16 || encoding.codec == Codec::kBF16;
    if (encoding.layout != Layout::kDense || narrow) model.add_link(p.name, mask_of(encoded));
    if (encoding.codec == Codec::kAffine) model.add_link(p.name, affine_of(encoded));
  }
  return model;
}

}  // namespace pare
