#include "core/format/encoding.h"

#include <cstring>

#include "core/base/half.h"
#include "core/format/bits.h"
#include "core/format/cells.h"
#include "core/format/layout.h"

namespace pare {
namespace {

constexpr const char* kData = "data";

DType affine_storage(const Encoding& e) {
  if (e.bits < 8) return DType::kU8;
  if (e.bits == 8) return e.is_signed ? DType::kI8 : DType::kU8;
  if (e.bits == 16) return e.is_signed ? DType::kI16 : DType::kU16;
  return DType::kI32;
}

// Element type and count of the data part for `count` stored elements.
std::pair<DType, int64_t> data_spec(const EncodedTensor& e, int64_t count) {
  switch (e.encoding.codec) {
    case Codec::kRaw: return {e.dtype, count};
    case Codec::kF16: return {DType::kF16, count};
    case Codec::kBF16: return {DType::kBF16, count};
    case Codec::kAffine: return {affine_storage(e.encoding), e.encoding.bits < 8 ? packed_bytes(count, e.encoding.bits) : count};
    case Codec::kPalette: return {DType::kU8, packed_bytes(count, e.encoding.bits)};
    case Codec::kSign: return {DType::kU8, packed_bytes(count, 1)};
  }
  throw InternalError("[encoding] unknown codec");
}

void check_settings(const EncodedTensor& e) {
  const int bits = e.encoding.bits;
  check_extents(e.shape);
  switch (e.encoding.codec) {
    case Codec::kRaw: return;
    case Codec::kAffine:
      PARE_CHECK((bits >= 2 && bits <= 8) || bits == 16 || (bits == 32 && e.encoding.is_signed), ModelError,
                 "[encoding] expected 2 to 8, 16 or signed 32 bits, got {} (signed: {})", bits, e.encoding.is_signed);
      break;
    case Codec::kPalette:
      PARE_CHECK(bits >= 1 && bits <= 8, ModelError, "[encoding] expected a palette of 1 to 8 bits, got {}", bits);
      break;
    default: break;
  }
  PARE_CHECK(is_float(e.dtype), ModelError, "[encoding] expected a float tensor for this codec, got {}", e.dtype);
}

// Stored codes of a narrow codec -> int32; reads what `data_spec` describes.
std::vector<int32_t> read_codes(const EncodedTensor& e, int64_t count) {
  const auto [dtype, length] = data_spec(e, count);
  const Tensor& data = part_of(e, kData, dtype, length);
  std::vector<int32_t> out(static_cast<size_t>(count));
  const bool affine = e.encoding.codec == Codec::kAffine;
  if (affine && e.encoding.bits >= 8) {
    const auto widen = [&](const auto* from) { std::copy(from, from + count, out.begin()); };
    if (dtype == DType::kI8) widen(data.data<int8_t>());
    else if (dtype == DType::kU8) widen(data.data<uint8_t>());
    else if (dtype == DType::kI16) widen(data.data<int16_t>());
    else if (dtype == DType::kU16) widen(data.data<uint16_t>());
    else widen(data.data<int32_t>());
    return out;
  }
  const int bits = e.encoding.codec == Codec::kSign ? 1 : e.encoding.bits;
  const bool extend = affine && e.encoding.is_signed;
  const auto* stream = data.data<uint8_t>();
  for (int64_t i = 0; i < count; ++i) {
    const auto field = static_cast<int32_t>(get_bits(stream, i, bits));
    out[static_cast<size_t>(i)] = extend && field >> (bits - 1) ? field - (1 << bits) : field;
  }
  return out;
}

Tensor write_codes(const std::vector<int32_t>& codes, DType dtype, int bits) {
  const auto count = static_cast<int64_t>(codes.size());
  if (bits < 8 || dtype == DType::kBool) return pack_bits(codes, bits);
  return Tensor::of(codes, {count}).to(dtype);
}

// The elements of a dense tensor at the stored positions.
Tensor gather(const Tensor& dense, const Positions& positions) {
  if (positions.is_dense()) return dense;
  Tensor out(dense.dtype(), {positions.count()});
  const auto size = static_cast<size_t>(size_of(dense.dtype()));
  std::byte* to = out.mutable_bytes();
  for (int64_t k = 0; k < positions.count(); ++k, to += size)
    std::memcpy(to, dense.bytes() + static_cast<size_t>(positions.at(k)) * size, size);
  return out;
}

// Inverse of gather; elements that are not stored are zero.
Tensor scatter(const Tensor& stored, const Positions& positions, const Shape& shape) {
  if (positions.is_dense()) return stored.reshaped(shape);
  Tensor out(stored.dtype(), shape);
  const auto size = static_cast<size_t>(size_of(stored.dtype()));
  std::byte* to = out.mutable_bytes();
  for (int64_t k = 0; k < positions.count(); ++k)
    std::memcpy(to + static_cast<size_t>(positions.at(k)) * size, stored.bytes() + static_cast<size_t>(k) * size, size);
  return out;
}

Tensor one_per_cell(const Tensor& given, int64_t cells, DType dtype, const char* what) {
  PARE_CHECK(given.dtype() == dtype && given.numel() == cells, ModelError, "[encoding] expected {} {} of {}, got {} of {}",
             cells, what, dtype, given.numel(), given.dtype());
  return given.reshaped({cells});
}

// The values of the stored elements of a codec with parameters.
std::vector<float> dequantized(const EncodedTensor& e, const Positions& positions) {
  const std::vector<int32_t> codes = read_codes(e, positions.count());
  std::vector<float> out(codes.size());
  if (e.encoding.codec == Codec::kPalette) {
    const Tensor& palette = e.parts.at("palette");
    for (size_t k = 0; k < codes.size(); ++k) {
      PARE_CHECK(codes[k] < palette.numel(), ModelError, "[encoding] expected palette indices below {}, got {}",
                 palette.numel(), codes[k]);
      out[k] = palette.data<float>()[codes[k]];
    }
    return out;
  }
  const CellIndex index(e.encoding, e.shape);
  const Tensor scales = scales_of(e);
  const auto scale = scales.span<float>();
  const Tensor zeros = e.encoding.codec == Codec::kAffine ? zero_points_of(e) : Tensor();
  for (size_t k = 0; k < codes.size(); ++k) {
    const auto cell = static_cast<size_t>(index.of(positions.at(static_cast<int64_t>(k))));
    if (e.encoding.codec == Codec::kSign) {
      out[k] = codes[k] ? -scale[cell] : scale[cell];
    } else {  // the difference of two int32 may need 33 bits
      out[k] = static_cast<float>(static_cast<int64_t>(codes[k]) - zeros.data<int32_t>()[cell]) * scale[cell];
    }
  }
  return out;
}

}  // namespace

int64_t EncodedTensor::nbytes() const {
  int64_t total = 0;
  for (const auto& [name, part] : parts) total += part.nbytes();
  return total;
}

EncodedTensor encode_raw(const Tensor& tensor) { return encode(tensor, {}); }

EncodedTensor encode(const Tensor& tensor, const Encoding& encoding) {
  PARE_CHECK(encoding.codec == Codec::kRaw || encoding.codec == Codec::kF16 || encoding.codec == Codec::kBF16, ModelError,
             "[encoding] expected a codec without parameters (raw, f16, bf16)");
  EncodedTensor out{tensor.dtype(), tensor.shape(), encoding, {}};
  check_settings(out);
  const Tensor stored = encoding.codec == Codec::kF16 ? tensor.to(DType::kF16)
                        : encoding.codec == Codec::kBF16 ? tensor.to(DType::kBF16) : tensor;
  const auto size = static_cast<size_t>(size_of(stored.dtype()));
  static constexpr std::byte kZero[8] = {};
  // By bits, so that -0 survives.
  const Positions positions = write_layout(out, [&](int64_t i) {
    return std::memcmp(stored.bytes() + static_cast<size_t>(i) * size, kZero, size) == 0;
  });
  out.parts[kData] = gather(stored, positions);
  return out;
}

EncodedTensor encode_affine(const Tensor& q, const Tensor& scale, const Tensor& zero_point, const Encoding& encoding) {
  EncodedTensor out{DType::kF32, q.shape(), encoding, {}};
  out.encoding.codec = Codec::kAffine;
  check_settings(out);
  const CellIndex index(encoding, q.shape());
  out.parts["scale"] = one_per_cell(scale, index.cells(), DType::kF32, "scales");
  if (zero_point.defined()) out.parts["zero_point"] = one_per_cell(zero_point, index.cells(), DType::kI32, "zero points");
  const int64_t top = encoding.is_signed ? int64_t{1} << (encoding.bits - 1) : int64_t{1} << encoding.bits;
  const auto values = q.span<int32_t>();
  for (int32_t value : values)
    PARE_CHECK(value < top && value >= (encoding.is_signed ? -top : 0), ModelError,
               "[encoding] expected {} integers of {} bits, got {}", encoding.is_signed ? "signed" : "unsigned", encoding.bits,
               value);
  const Tensor zeros = zero_points_of(out);
  const Positions positions = write_layout(out, [&](int64_t i) {
    return values[static_cast<size_t>(i)] == zeros.data<int32_t>()[index.of(i)];
  });
  const Tensor stored = gather(q, positions);
  const std::vector<int32_t> codes(stored.span<int32_t>().begin(), stored.span<int32_t>().end());
  Tensor data = write_codes(codes, affine_storage(out.encoding), encoding.bits);
  const bool keeps_shape = positions.is_dense() && encoding.bits >= 8;
  out.parts[kData] = keeps_shape ? data.reshaped(q.shape()) : data;
  return out;
}

EncodedTensor encode_palette(const Tensor& indices, const Tensor& palette, const Encoding& encoding) {
  EncodedTensor out{DType::kF32, indices.shape(), encoding, {}};
  out.encoding.codec = Codec::kPalette;
  check_settings(out);
  PARE_CHECK(palette.numel() >= 1 && palette.numel() <= (1 << encoding.bits), ModelError,
             "[encoding] expected 1 to {} palette entries, got {}", 1 << encoding.bits, palette.numel());
  const auto values = palette.span<float>();
  const auto codes = indices.span<int32_t>();
  for (int32_t code : codes)
    PARE_CHECK(code >= 0 && code < palette.numel(), ModelError, "[encoding] expected palette indices below {}, got {}",
               palette.numel(), code);
  out.parts["palette"] = palette.reshaped({palette.numel()});
  const Positions positions = write_layout(out, [&](int64_t i) {
    return values[static_cast<size_t>(codes[static_cast<size_t>(i)])] == 0.0f;
  });
  const Tensor stored = gather(indices, positions);
  out.parts[kData] = pack_bits(stored.span<int32_t>(), encoding.bits);
  return out;
}

EncodedTensor encode_sign(const Tensor& tensor, const Tensor& scale, const Encoding& encoding) {
  EncodedTensor out{DType::kF32, tensor.shape(), encoding, {}};
  out.encoding.codec = Codec::kSign;
  out.parts["scale"] = one_per_cell(scale, CellIndex(encoding, tensor.shape()).cells(), DType::kF32, "scales");
  const auto values = tensor.span<float>();
  const Positions positions = write_layout(out, [&](int64_t i) { return values[static_cast<size_t>(i)] == 0.0f; });
  std::vector<int32_t> codes(static_cast<size_t>(positions.count()));
  for (size_t k = 0; k < codes.size(); ++k) codes[k] = values[static_cast<size_t>(positions.at(static_cast<int64_t>(k)))] < 0;
  out.parts[kData] = pack_bits(codes, 1);
  return out;
}

void check_encoding(const EncodedTensor& encoded) {
  check_settings(encoded);
  const Codec codec = encoded.encoding.codec;
  if (codec == Codec::kAffine || codec == Codec::kSign) scales_of(encoded);
  if (codec == Codec::kAffine) zero_points_of(encoded);
  if (codec == Codec::kPalette) {
    const auto found = encoded.parts.find("palette");
    PARE_CHECK(found != encoded.parts.end() && found->second.dtype() == DType::kF32 && found->second.numel() >= 1 &&
                   found->second.numel() <= (1 << encoded.encoding.bits),
               ModelError, "[encoding] expected a palette of 1 to {} kF32 entries", 1 << encoded.encoding.bits);
  }
  if (encoded.encoding.layout == Layout::kDense) {
    const auto [dtype, length] = data_spec(encoded, numel_of(encoded.shape));
    part_of(encoded, kData, dtype, length);
  } else {
    PARE_CHECK(encoded.parts.count(kData), ModelError, "[encoding] expected a part \"{}\"", kData);
  }
}

Tensor decode(const EncodedTensor& encoded) {
  check_encoding(encoded);
  const Positions positions = read_layout(encoded);
  const auto [dtype, length] = data_spec(encoded, positions.count());
  const Tensor& data = part_of(encoded, kData, dtype, length);
  switch (encoded.encoding.codec) {
    case Codec::kRaw:
    case Codec::kF16:
    case Codec::kBF16: return scatter(data.to(encoded.dtype), positions, encoded.shape);
    default: break;
  }
  const std::vector<float> values = dequantized(encoded, positions);
  return scatter(Tensor::of(values, {positions.count()}).to(encoded.dtype), positions, encoded.shape);
}

Tensor decode_integers(const EncodedTensor& encoded) {
  PARE_CHECK(encoded.encoding.codec == Codec::kAffine, ModelError, "[encoding] expected an affine constant (shape {})",
             encoded.shape);
  check_encoding(encoded);
  const Positions positions = read_layout(encoded);
  const std::vector<int32_t> codes = read_codes(encoded, positions.count());
  if (positions.is_dense()) return Tensor::of(codes, encoded.shape);
  const CellIndex index(encoded.encoding, encoded.shape);
  const Tensor zeros = zero_points_of(encoded);
  Tensor out(DType::kI32, encoded.shape);
  auto* to = out.mutable_data<int32_t>();
  for (int64_t i = 0; i < out.numel(); ++i) to[i] = zeros.data<int32_t>()[index.of(i)];
  for (size_t k = 0; k < codes.size(); ++k) to[positions.at(static_cast<int64_t>(k))] = codes[k];
  return out;
}

Tensor scales_of(const EncodedTensor& encoded) {
  const int64_t cells = cells_of(encoded.encoding, encoded.shape);
  return part_of(encoded, "scale", DType::kF32, cells).reshaped({cells});
}

Tensor zero_points_of(const EncodedTensor& encoded) {
  const int64_t cells = cells_of(encoded.encoding, encoded.shape);
  if (!encoded.parts.count("zero_point")) return Tensor(DType::kI32, {cells});
  return part_of(encoded, "zero_point", DType::kI32, cells).reshaped({cells});
}

}  // namespace pare
