#include "core/model/parametrization.h"

#include "core/model/cell_shape.h"
#include "core/model/tensor_bridge.h"

namespace pare {

void Parametrization::to(at::Device device) {
  for (auto& [name, tensor] : state()) tensor.set_data(tensor.to(device));
}

at::Tensor apply(const Chain& chain, const at::Tensor& raw) {
  at::Tensor out = raw;
  for (const auto& link : chain) out = link->apply(out);
  return out;
}

namespace {

bool names_layout(const EncodedTensor& encoded) { return encoded.encoding.layout != Layout::kDense; }

// Integers stored where the mask keeps elements.
EncodedTensor with_layout(const EncodedTensor& integers, const Encoding& layout) {
  return smallest_layout(layout, [&](const Encoding& candidate) {
    Encoding combined = candidate;
    combined.codec = integers.encoding.codec;
    combined.bits = integers.encoding.bits;
    combined.is_signed = integers.encoding.is_signed;
    combined.axis = integers.encoding.axis;
    combined.group_axis = integers.encoding.group_axis;
    combined.group_size = integers.encoding.group_size;
    const bool has_zero_point = integers.parts.count("zero_point") != 0;
    return encode_affine(decode_integers(integers), scales_of(integers),
                         has_zero_point ? zero_points_of(integers) : Tensor(), combined);
  });
}

}  // namespace

EncodedTensor smallest_layout(const Encoding& encoding, const std::function<EncodedTensor(const Encoding&)>& encode) {
  EncodedTensor out = encode(encoding);
  if (encoding.layout != Layout::kPattern) return out;
  Encoding bits = encoding;
  bits.layout = Layout::kBitmask;
  bits.block.clear();
  bits.patterns.clear();
  EncodedTensor by_element = encode(bits);
  return by_element.nbytes() < out.nbytes() ? by_element : out;
}

EncodedTensor encode(const Chain& chain, const Tensor& effective) {
  std::unique_ptr<EncodedTensor> last, layout;
  for (auto link = chain.rbegin(); link != chain.rend(); ++link) {
    auto encoded = (*link)->encode(effective);
    if (!encoded) continue;
    if (!last) last = std::move(encoded);
    else if (!layout && names_layout(*encoded)) layout = std::move(encoded);
  }
  if (!last) return encode_raw(effective);
  if (layout && last->encoding.codec == Codec::kAffine && !names_layout(*last)) return with_layout(*last, layout->encoding);
  return *last;
}

}  // namespace pare
