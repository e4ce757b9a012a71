#include "core/runtime/integer_weights.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pare {
namespace {

// Rows of what `from` holds along `axis`, less their zero points.
template <class T>
void widen_rows(const T* from, const Tensor& zeros, int64_t axis, Tensor& rows) {
  const int64_t outputs = rows.dim(0), depth = rows.dim(1);
  for (int64_t o = 0; o < outputs; ++o) {
    const int32_t zero = zeros.data<int32_t>()[zeros.numel() == 1 ? 0 : o];
    int16_t* to = rows.mutable_data<int16_t>() + o * depth;
    const T* first = from + (axis == 0 ? o * depth : o);
    if (axis == 0) {
      for (int64_t k = 0; k < depth; ++k) to[k] = static_cast<int16_t>(first[k] - zero);
    } else {
      for (int64_t k = 0; k < depth; ++k) to[k] = static_cast<int16_t>(first[k * outputs] - zero);
    }
  }
}

// Zero points are taken off, so that padding and kernels need not know them.
Tensor pack_rows(const EncodedTensor& encoded, int64_t axis) {
  const Tensor zeros = zero_points_of(encoded);
  const int64_t outputs = encoded.shape[static_cast<size_t>(axis)];
  Tensor rows(DType::kI16, {outputs, filter_depth(encoded, axis)});
  check_encoding(encoded);
  const Tensor& data = encoded.parts.at("data");
  const bool as_stored = encoded.encoding.layout == Layout::kDense && encoded.encoding.bits == 8;
  if (as_stored && data.dtype() == DType::kI8)
    widen_rows(data.data<int8_t>(), zeros, axis, rows);
  else if (as_stored && data.dtype() == DType::kU8)
    widen_rows(data.data<uint8_t>(), zeros, axis, rows);
  else
    widen_rows(decode_integers(encoded).data<int32_t>(), zeros, axis, rows);
  return rows;
}

std::string rows_key(const std::string& name, int64_t axis) { return fmt("{}|int16.{}", name, axis); }

bool has_scales(const EncodedTensor& encoded, float x_scale, const std::vector<float>& scales) {
  const Encoding& e = encoded.encoding;
  if (e.codec != Codec::kAffine || e.group_size != 0) return false;
  const Tensor own = scales_of(encoded), zeros = zero_points_of(encoded);
  if (own.numel() != static_cast<int64_t>(scales.size()) && own.numel() != 1) return false;
  for (size_t i = 0; i < scales.size(); ++i) {
    const size_t cell = own.numel() == 1 ? 0 : i;
    if (own.data<float>()[cell] != x_scale * scales[i] || zeros.data<int32_t>()[cell] != 0) return false;
  }
  return true;
}

}  // namespace

bool has_integer_filters(const EncodedTensor& encoded, int64_t axis) {
  const Encoding& e = encoded.encoding;
  if (encoded.dtype != DType::kF32 || e.codec != Codec::kAffine || e.bits > 8 || e.group_size != 0) return false;
  if (e.axis != -1 && e.axis != axis) return false;
  const Tensor scales = scales_of(encoded), zeros = zero_points_of(encoded);
  for (int64_t i = 0; i < scales.numel(); ++i) {
    if (!(scales.data<float>()[i] > 0.0f) || !std::isfinite(scales.data<float>()[i])) return false;
    if (zeros.data<int32_t>()[i] < -128 || zeros.data<int32_t>()[i] > 255) return false;
  }
  return true;
}

int64_t filter_depth(const EncodedTensor& encoded, int64_t axis) {
  const int64_t outputs = encoded.shape[static_cast<size_t>(axis)];
  return outputs == 0 ? 0 : numel_of(encoded.shape) / outputs;
}

std::vector<float> filter_scales(const EncodedTensor& encoded, int64_t axis) {
  const Tensor scales = scales_of(encoded);
  std::vector<float> out;
  for (int64_t i = 0; i < encoded.shape[static_cast<size_t>(axis)]; ++i)
    out.push_back(scales.data<float>()[scales.numel() == 1 ? 0 : i]);
  return out;
}

IntegerFilters integer_filters(Weights& weights, const std::string& name, int64_t axis) {
  const EncodedTensor& encoded = weights.encoded(name);
  return {weights.packed(rows_key(name, axis), [&] { return pack_rows(encoded, axis); }), filter_scales(encoded, axis),
          filter_depth(encoded, axis)};
}

void release_rows(Weights& weights, const std::string& name, int64_t axis, IntegerFilters& filters) {
  filters.rows = Tensor();
  weights.forget(rows_key(name, axis));
}

std::vector<int32_t> integer_bias(Weights& weights, const std::string& name, float x_scale,
                                  const std::vector<float>& scales) {
  const EncodedTensor& encoded = weights.encoded(name);
  PARE_CHECK(numel_of(encoded.shape) == static_cast<int64_t>(scales.size()), ModelError,
             "[bias {}] expected {} elements, got shape {}", name, scales.size(), encoded.shape);
  std::vector<int32_t> out(scales.size());
  if (has_scales(encoded, x_scale, scales)) {
    const Tensor integers = decode_integers(encoded);
    out.assign(integers.data<int32_t>(), integers.data<int32_t>() + integers.numel());
    return out;
  }
  const Tensor dense = weights.dense(name);
  for (size_t i = 0; i < out.size(); ++i) {
    const double q = std::nearbyint(dense.data<float>()[i] / (x_scale * scales[i]));
    if (!(std::fabs(q) < static_cast<double>(std::numeric_limits<int32_t>::max()))) return {};
    out[i] = static_cast<int32_t>(q);
  }
  return out;
}

bool all_sums_fit(int64_t depth, const std::vector<int32_t>& bias, int64_t x_magnitude) {
  constexpr int64_t kLargest = 255 + 128;  // a byte less its zero point
  constexpr int64_t kLimit = std::numeric_limits<int32_t>::max();
  if (depth > kLimit / (kLargest * x_magnitude)) return false;
  const int64_t left = kLimit - depth * kLargest * x_magnitude;
  return std::all_of(bias.begin(), bias.end(), [&](int32_t b) { return std::abs(static_cast<int64_t>(b)) <= left; });
}

bool sums_fit(const IntegerFilters& filters, const std::vector<int32_t>& bias, int64_t x_magnitude) {
  if (all_sums_fit(filters.depth, bias, x_magnitude)) return true;
  const int64_t outputs = filters.rows.dim(0), depth = filters.depth;
  for (int64_t o = 0; o < outputs; ++o) {
    int64_t sum = bias.empty() ? 0 : std::abs(static_cast<int64_t>(bias[static_cast<size_t>(o)]));
    const int16_t* row = filters.rows.data<int16_t>() + o * depth;
    for (int64_t k = 0; k < depth; ++k) sum += std::abs(static_cast<int64_t>(row[k])) * x_magnitude;
    if (sum > std::numeric_limits<int32_t>::max()) return false;
  }
  return true;
}

}  // namespace pare
