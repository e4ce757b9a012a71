#include "export/compare.h"

#include <algorithm>
#include <cmath>

namespace pare {
namespace {

constexpr double kMaxSnr = 200.0;  // equal outputs have no finite ratio

double snr_of(double signal, double noise) {
  if (noise == 0.0) return kMaxSnr;
  if (!(noise > 0.0) || !std::isfinite(noise)) return -kMaxSnr;
  return std::clamp(10.0 * std::log10(signal / noise), -kMaxSnr, kMaxSnr);
}

// NaN on either side counts as a difference unless both have it.
double difference(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0.0;
  const double error = std::fabs(a - b);
  return std::isnan(error) ? INFINITY : error;
}

}  // namespace

std::vector<int64_t> argmax_rows(const Tensor& output) {
  const int64_t width = output.rank() > 0 ? output.dim(-1) : 1;
  std::vector<int64_t> out;
  if (width == 0) return out;
  const auto values = output.to_doubles();
  for (auto row = values.begin(); row != values.end(); row += width)
    out.push_back(std::max_element(row, row + width) - row);
  return out;
}

void Comparison::add(const std::vector<Tensor>& reference, const std::vector<Tensor>& got) {
  PARE_CHECK(!reference.empty() && reference.size() == got.size(), ModelError, "[verify] expected {} outputs, got {}",
             reference.size(), got.size());
  outputs_.resize(reference.size());
  for (size_t k = 0; k < reference.size(); ++k) {
    PARE_CHECK(reference[k].shape() == got[k].shape() && reference[k].dtype() == got[k].dtype(), ModelError,
               "[verify] expected output {} of shape {} and {}, got {} and {}", k, reference[k].shape(),
               reference[k].dtype(), got[k].shape(), got[k].dtype());
    const auto wanted = reference[k].to_doubles(), found = got[k].to_doubles();
    Output& o = outputs_[k];
    for (size_t i = 0; i < wanted.size(); ++i) {
      o.low = o.seen ? std::min(o.low, wanted[i]) : wanted[i];
      o.high = o.seen ? std::max(o.high, wanted[i]) : wanted[i];
      o.seen = true;
      const double error = difference(wanted[i], found[i]);
      o.max_error = std::max(o.max_error, error);
      o.signal += wanted[i] * wanted[i];
      o.noise += error * error;
    }
  }
  const auto a = argmax_rows(reference[0]), b = argmax_rows(got[0]);
  rows_ += static_cast<int64_t>(a.size());
  for (size_t i = 0; i < a.size(); ++i) agreeing_ += a[i] == b[i];
}

std::optional<double> Comparison::metric() const {
  if (metric_rows_ == 0) return std::nullopt;
  return metric_sum_ / static_cast<double>(metric_rows_);
}

VerifyRow Comparison::finish(const std::string& what, bool quantized, const VerifyLimits& limits,
                             std::optional<double> reference_metric) const {
  VerifyRow row{.what = what, .rows = rows_, .snr_db = kMaxSnr, .metric = metric()};
  for (const auto& o : outputs_) {
    const double range = o.high > o.low ? o.high - o.low : std::max(std::fabs(o.high), 1e-30);
    row.max_abs_error = std::max(row.max_abs_error, o.max_error);
    row.relative_error = std::max(row.relative_error, o.max_error / range);
    row.snr_db = std::min(row.snr_db, snr_of(o.signal, o.noise));
  }
  if (rows_ > 0) row.top1_agreement = static_cast<double>(agreeing_) / static_cast<double>(rows_);
  std::vector<std::string> reasons;
  if (!quantized && !(row.relative_error <= limits.max_relative_error))
    reasons.push_back(fmt("relative error {} above {}", row.relative_error, limits.max_relative_error));
  if (quantized && !(row.snr_db >= limits.min_snr_db))
    reasons.push_back(fmt("{} dB below {} dB", row.snr_db, limits.min_snr_db));
  if (quantized && !(row.top1_agreement >= limits.min_top1_agreement))
    reasons.push_back(fmt("top-1 agreement {} below {}", row.top1_agreement, limits.min_top1_agreement));
  if (limits.max_metric_drop && reference_metric && row.metric &&
      !(*reference_metric - *row.metric <= *limits.max_metric_drop))
    reasons.push_back(fmt("metric {} more than {} below {}", *row.metric, *limits.max_metric_drop, *reference_metric));
  row.reason = join(reasons, ", ");
  row.passed = reasons.empty();
  return row;
}

}  // namespace pare
