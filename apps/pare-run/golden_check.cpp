#include "apps/pare-run/golden_check.h"

#include <algorithm>
#include <cmath>

namespace pare {
namespace {

constexpr double kFloatError = 1e-4;
constexpr double kIntegerSnr = 40.0;
constexpr double kIntegerAgreement = 0.995;
constexpr double kEqualSnr = 200.0;

struct Sums {
  double signal = 0.0, noise = 0.0;
};

void compare(const Tensor& want, const Tensor& got, Sums& sums, GoldenResult& result) {
  PARE_CHECK(want.shape() == got.shape(), DataError, "[golden] expected outputs of shape {}, got {}", want.shape(), got.shape());
  const std::vector<double> a = want.to_doubles(), b = got.to_doubles();
  if (a.empty()) return;
  const auto [low, high] = std::minmax_element(a.begin(), a.end());
  const double range = std::max(*high - *low, 1e-30);
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::fabs(a[i] - b[i]);
    // A NaN on one side only is as far as can be.
    const double share = difference == difference ? difference / range : (std::isnan(a[i]) && std::isnan(b[i]) ? 0.0 : INFINITY);
    result.max_error = std::max(result.max_error, share);
    sums.signal += a[i] * a[i];
    sums.noise += difference * difference;
  }
}

void count_agreement(const Tensor& want, const Tensor& got, GoldenResult& result) {
  if (want.rank() < 1 || want.numel() == 0) return;
  const std::vector<double> a = want.to_doubles(), b = got.to_doubles();
  const auto width = static_cast<size_t>(want.dim(-1));
  for (size_t row = 0; row < a.size(); row += width) {
    const auto best = [&](const std::vector<double>& v) {
      const auto first = v.begin() + static_cast<std::ptrdiff_t>(row);
      return std::max_element(first, first + static_cast<std::ptrdiff_t>(width)) - first;
    };
    ++result.rows;
    result.agreeing += best(a) == best(b);
  }
}

bool is_quantized(const Graph& graph) {
  return std::any_of(graph.order().begin(), graph.order().end(), [&](NodeId id) { return graph.node(id).op == "QuantizeLinear"; });
}

}  // namespace

GoldenResult check_golden(Executor& executor, const std::vector<GoldenSample>& samples) {
  PARE_CHECK(!samples.empty(), DataError, "[golden] expected golden samples, got none. Stripped files have none");
  GoldenResult result;
  result.quantized = is_quantized(executor.model().graph);
  Sums sums;
  for (const GoldenSample& sample : samples) {
    const std::vector<Tensor> outputs = executor.run(sample.inputs);
    PARE_CHECK(outputs.size() == sample.outputs.size(), DataError, "[golden] expected {} outputs, got {}", sample.outputs.size(),
               outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) compare(sample.outputs[i], outputs[i], sums, result);
    if (!outputs.empty()) count_agreement(sample.outputs[0], outputs[0], result);
    ++result.samples;
  }
  result.snr_db = sums.noise > 0.0 ? std::min(kEqualSnr, 10.0 * std::log10(sums.signal / sums.noise)) : kEqualSnr;
  const double agreement = result.rows > 0 ? static_cast<double>(result.agreeing) / static_cast<double>(result.rows) : 1.0;
  result.passed = result.quantized ? result.snr_db >= kIntegerSnr && agreement >= kIntegerAgreement : result.max_error <= kFloatError;
  return result;
}

}  // namespace pare
