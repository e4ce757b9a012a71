#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "core/base/config.h"
#include "core/base/quant_math.h"

namespace pare {

/// How the range of a quantized tensor is chosen.
enum class ObserverKind { kMinMax, kPercentile, kMse };
template <>
struct EnumNames<ObserverKind> {
  static constexpr std::pair<ObserverKind, const char*> kNames[] = {
      {ObserverKind::kMinMax, "minmax"}, {ObserverKind::kPercentile, "percentile"}, {ObserverKind::kMse, "mse"}};
};

/// Collects the distribution of one activation over two passes of the calibration data: `see_range` on every batch,
/// then `see_counts` on every batch. Values that are not finite throw ModelError: the calibration would be useless.
class ActivationObserver {
 public:
  void see_range(const at::Tensor& values);
  void see_counts(const at::Tensor& values);
  float low() const { return low_; }
  float high() const { return high_; }
  /// The range that the kind prefers for this integer range. `percentile` in (50, 100] cuts both tails.
  QParams choose(ObserverKind kind, double percentile, QRange range, bool symmetric) const;

 private:
  std::pair<float, float> percentile_range(double percentile) const;
  double error_of(const QParams& params, QRange range) const;
  QParams best_by_error(QRange range, bool symmetric) const;
  float center(size_t bin) const;

  bool seen_ = false;
  float low_ = 0.0f, high_ = 0.0f;
  std::vector<double> counts_;
};

/// Symmetric scale per slice of `axis` (or one for the tensor, axis -1): shape [cells], kFloat on the CPU.
/// kMse searches the shrink factor with the least squared error per cell; kPercentile is not offered for weights.
at::Tensor weight_scales(const at::Tensor& weight, int64_t axis, int bits, ObserverKind kind);

}  // namespace pare
