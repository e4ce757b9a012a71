#include "quant/observers/observer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/full.h>
#include <ATen/ops/histc.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/round.h>
#include <ATen/ops/where.h>

#include <cmath>
#include <limits>

#include "core/base/error.h"

namespace pare {
namespace {

// Enough bins for a percentile of 99.99 and for a squared-error search; more changes nothing measurable.
constexpr int64_t kBins = 2048;
// Shrink factors of the squared-error search: below a fifth of the range clipping always dominates.
constexpr int kShrinkSteps = 80;
constexpr double kShrinkStep = 0.01;

}  // namespace

void ActivationObserver::see_range(const at::Tensor& values) {
  if (values.numel() == 0) return;
  const auto [low, high] = at::aminmax(values);
  const float a = low.item<float>(), b = high.item<float>();
  PARE_CHECK(std::isfinite(a) && std::isfinite(b), ModelError,
             "[observer] expected finite activations, got [{}, {}]. The model diverges on the calibration data.", a, b);
  low_ = seen_ ? std::min(low_, a) : a;
  high_ = seen_ ? std::max(high_, b) : b;
  seen_ = true;
}

void ActivationObserver::see_counts(const at::Tensor& values) {
  if (!(high_ > low_)) return;
  const at::Tensor counts = at::histc(values.reshape({-1}).to(at::kFloat).cpu(), kBins, low_, high_).to(at::kDouble);
  const double* data = counts.const_data_ptr<double>();
  counts_.resize(static_cast<size_t>(kBins), 0.0);
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += data[i];
}

float ActivationObserver::center(size_t bin) const {
  return low_ + (high_ - low_) * (static_cast<float>(bin) + 0.5f) / static_cast<float>(kBins);
}

std::pair<float, float> ActivationObserver::percentile_range(double percentile) const {
  double total = 0.0;
  for (double c : counts_) total += c;
  const double tail = total * (100.0 - percentile) / 100.0;
  size_t first = 0, last = counts_.size() - 1;
  for (double sum = counts_[first]; first < last && sum <= tail; sum += counts_[++first]) {}
  for (double sum = counts_[last]; last > first && sum <= tail; sum += counts_[--last]) {}
  const float width = (high_ - low_) / static_cast<float>(kBins);
  // A tail is cut only where there is one: the end bins keep the true bounds.
  return {first == 0 ? low_ : low_ + width * static_cast<float>(first),
          last + 1 == counts_.size() ? high_ : low_ + width * static_cast<float>(last + 1)};
}

double ActivationObserver::error_of(const QParams& params, QRange range) const {
  double error = 0.0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0.0) continue;
    const double x = center(i);
    const double d = x - fake_quantize(static_cast<float>(x), params.scale, params.zero_point, range);
    error += counts_[i] * d * d;
  }
  return error;
}

QParams ActivationObserver::best_by_error(QRange range, bool symmetric) const {
  QParams best = choose_qparams(low_, high_, range, symmetric);
  double least = error_of(best, range);
  for (int step = 1; step < kShrinkSteps; ++step) {
    const float factor = static_cast<float>(1.0 - kShrinkStep * step);
    const QParams params = choose_qparams(low_ * factor, high_ * factor, range, symmetric);
    const double error = error_of(params, range);
    if (error < least) {
      least = error;
      best = params;
    }
  }
  return best;
}

QParams ActivationObserver::choose(ObserverKind kind, double percentile, QRange range, bool symmetric) const {
  PARE_CHECK(seen_, InternalError, "[observer] expected observed values, got none");
  if (kind == ObserverKind::kMinMax || counts_.empty()) return choose_qparams(low_, high_, range, symmetric);
  if (kind == ObserverKind::kMse) return best_by_error(range, symmetric);
  const auto [low, high] = percentile_range(percentile);
  return choose_qparams(low, high, range, symmetric);
}

at::Tensor weight_scales(const at::Tensor& weight, int64_t axis, int bits, ObserverKind kind) {
  const at::Tensor rows = axis < 0 ? weight.detach().to(at::kFloat).cpu().reshape({1, -1})
                                   : weight.detach().to(at::kFloat).cpu().movedim(axis, 0).flatten(1).contiguous();
  const QRange range = qrange(bits, true, true);
  const at::Tensor bound = at::amax(rows.abs(), {1});
  // A cell of zeros gets scale 1: every integer of it is zero anyway.
  at::Tensor best = at::where(bound > 0, bound / static_cast<double>(range.high), at::ones({}, at::kFloat));
  if (kind != ObserverKind::kMse) return best;
  const at::Tensor full = best.clone();
  at::Tensor least = at::full({rows.size(0)}, std::numeric_limits<double>::infinity(), at::kDouble);
  for (int step = 0; step < kShrinkSteps; ++step) {
    const at::Tensor scale = (full * (1.0 - kShrinkStep * step)).unsqueeze(1);
    const at::Tensor q = at::clamp(at::round(rows / scale), range.low, range.high);
    const at::Tensor error = (rows - q * scale).to(at::kDouble).square().sum(1);
    const at::Tensor better = error < least;
    least = at::where(better, error, least);
    best = at::where(better, scale.squeeze(1), best);
  }
  return best;
}

}  // namespace pare
