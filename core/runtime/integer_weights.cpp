#include "core/runtime/integer_weights.h"

#include <cmath>
#include <limits>

namespace pare {
namespace {

// Zero points are taken off, so that padding and kernels need not know them.
Tensor pack_rows(const EncodedTensor& encoded, int64_t axis) {
  const Tensor integers = decode_integers(encoded), zeros = zero_points_of(encoded);
  const int64_t outputs = encoded.shape[static_cast<size_t>(axis)];
  const int64_t depth = outputs == 0 ? 0 : integers.numel() / outputs;
  Tensor rows(DType::kI16, {outputs, depth});
  auto* to = rows.mutable_data<int16_t>();
  const int32_t* from = integers.data<int32_t>();
  for (int64_t o = 0; o < outputs; ++o) {
    const int32_t zero = zeros.data<int32_t>()[zeros.numel() == 1 ? 0 : o];
    for (int64_t k = 0; k < depth; ++k) {
      to[o * depth + k] = static_cast<int16_t>((axis == 0 ? from[o * depth + k] : from[k * outputs + o]) - zero);
    }
  }
  return rows;
}

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

IntegerFilters integer_filters(Weights& weights, const std::string& name, int64_t axis) {
  const EncodedTensor& encoded = weights.encoded(name);
  IntegerFilters out;
  out.rows = weights.packed(fmt("{}|int16.{}", name, axis), [&] { return pack_rows(encoded, axis); });
  const Tensor scales = scales_of(encoded);
  for (int64_t i = 0; i < out.rows.dim(0); ++i) out.scales.push_back(scales.data<float>()[scales.numel() == 1 ? 0 : i]);
  return out;
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

bool sums_fit(const IntegerFilters& filters, const std::vector<int32_t>& bias, int64_t x_magnitude) {
  const int64_t outputs = filters.rows.dim(0), depth = filters.rows.dim(1);
  for (int64_t o = 0; o < outputs; ++o) {
    int64_t sum = bias.empty() ? 0 : std::abs(static_cast<int64_t>(bias[static_cast<size_t>(o)]));
    const int16_t* row = filters.rows.data<int16_t>() + o * depth;
    for (int64_t k = 0; k < depth; ++k) sum += std::abs(static_cast<int64_t>(row[k])) * x_magnitude;
    if (sum > std::numeric_limits<int32_t>::max()) return false;
  }
  return true;
}

}  // namespace pare
