#pragma once

#include <string>
#include <vector>

#include "core/runtime/kernel.h"

namespace pare {

/// A constant weight in the form of integer kernels: one row of int16 (q - zero_point) for each output channel.
struct IntegerFilters {
  Tensor rows;                  ///< kI16 [outputs, depth]; undefined once released
  std::vector<float> scales;    ///< one an output channel
  int64_t depth = 0;
};

/// Whether a constant can take this form: F32 under an affine encoding of at most 8 bits with one scale, or one for each
/// index of `axis` (its output channels).
bool has_integer_filters(const EncodedTensor& encoded, int64_t axis);
/// Elements of such a filter, and the scale of each.
int64_t filter_depth(const EncodedTensor& encoded, int64_t axis);
std::vector<float> filter_scales(const EncodedTensor& encoded, int64_t axis);
/// `axis` 0: [outputs, depth...]; `axis` 1: [depth, outputs]. Repacked once.
IntegerFilters integer_filters(Weights& weights, const std::string& name, int64_t axis);
/// Gives the rows' memory back, where a kernel has its own form of them; a later call makes them again.
void release_rows(Weights& weights, const std::string& name, int64_t axis, IntegerFilters& filters);
/// The bias in units of x_scale * scales[i], kI32: the stored integers when they have these scales, else rounded half to
/// even. Empty when a value does not fit 32 bits.
std::vector<int32_t> integer_bias(Weights& weights, const std::string& name, float x_scale,
                                  const std::vector<float>& scales);
/// Whether no sum of `depth` products can leave int32, whatever the weights are, for inputs of magnitude up to
/// `x_magnitude`.
bool all_sums_fit(int64_t depth, const std::vector<int32_t>& bias, int64_t x_magnitude);
/// Whether no sum over a row can leave int32, for inputs of magnitude up to `x_magnitude`.
bool sums_fit(const IntegerFilters& filters, const std::vector<int32_t>& bias, int64_t x_magnitude);

}  // namespace pare
