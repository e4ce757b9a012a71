#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/tensor.h"

namespace pare {

/// Where the stored elements sit.
enum class Layout : uint8_t { kDense, kBitmask, kNofM, kBlock, kPattern };
/// What a stored element is.
enum class Codec : uint8_t { kRaw, kF16, kBF16, kAffine, kPalette, kSign };

/// How a constant is stored: layout x codec. Logical, not packed: kernels repack at load.
struct Encoding {
  Layout layout = Layout::kDense;
  Codec codec = Codec::kRaw;

  // affine: value = (q - zero_point) * scale; scale has one cell per index of `axis`, split in groups of
  // `group_size` along `group_axis` when group_size > 0; axis -1: one scale for the whole tensor.
  int bits = 8;                ///< 2..8, 16 or 32
  bool is_signed = true;
  int64_t axis = -1;
  int64_t group_axis = -1;
  int64_t group_size = 0;

  int64_t n = 0, m = 0;        ///< n of m along dim `sparse_axis` (kNofM)
  int64_t sparse_axis = 1;
  std::vector<int64_t> block;  ///< block sizes of the leading dims (kBlock, kPattern)
  /// Which elements of the dims behind `block` a stored block keeps, one bit each, first element lowest (kPattern).
  std::vector<int64_t> patterns;

  bool operator==(const Encoding&) const = default;
};

/// A constant as it is stored: logical dtype and shape, its encoding and the payload parts by name
/// ("data", "scale", "zero_point", "mask", "index", "palette").
struct EncodedTensor {
  DType dtype = DType::kF32;
  Shape shape;
  Encoding encoding;
  std::map<std::string, Tensor> parts;

  int64_t nbytes() const;
};

/// Stores a tensor as it is.
EncodedTensor encode_raw(const Tensor& tensor);
/// Integers with their parameters. `q` holds one integer per element (kI32), `scale` [cells] kF32,
/// `zero_point` [cells] kI32 or undefined (all zero). Throws ModelError when a value does not fit `bits`.
EncodedTensor encode_affine(const Tensor& q, const Tensor& scale, const Tensor& zero_point, const Encoding& encoding);
/// Float tensor under a layout and codec that need no outside parameters (raw, f16, bf16; any layout).
EncodedTensor encode(const Tensor& tensor, const Encoding& encoding);
/// Indices into `palette` [2^bits at most] kF32: `indices` kI32 one per element; `bits` of the encoding is 1..8.
EncodedTensor encode_palette(const Tensor& indices, const Tensor& palette, const Encoding& encoding);
/// +scale or -scale by the sign of `tensor` (kF32; zero counts as positive in a dense layout, a sparse layout drops it);
/// `scale` [cells] kF32.
EncodedTensor encode_sign(const Tensor& tensor, const Tensor& scale, const Encoding& encoding);
/// Throws ModelError unless settings, parts, element types and sizes fit each other (`decode` checks contents too).
void check_encoding(const EncodedTensor& encoded);
/// Cells of the scale axes.
int64_t cells_of(const Encoding& encoding, const Shape& shape);
/// The dense tensor of the logical dtype. Throws ModelError when a part is missing or does not fit.
Tensor decode(const EncodedTensor& encoded);
/// The dense integers [shape] kI32 of an affine constant; throws ModelError for other codecs.
Tensor decode_integers(const EncodedTensor& encoded);
/// Scale and zero point for the cell of every element along the encoding's axis: kF32 / kI32 [cells].
Tensor scales_of(const EncodedTensor& encoded);
Tensor zero_points_of(const EncodedTensor& encoded);

}  // namespace pare
