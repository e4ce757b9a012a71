#include "apps/bench/interleave.h"

#include <algorithm>
#include <chrono>

namespace pare::bench {
namespace {

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

std::vector<Timing> interleave(const std::vector<Contestant>& contestants, int rounds, double seconds) {
  std::vector<std::vector<double>> times(contestants.size());
  const double start = now_ms();
  for (int round = 0; round < rounds || now_ms() - start < seconds * 1e3; ++round) {
    for (size_t i = 0; i < contestants.size(); ++i) {
      contestants[i].run();
      const double begin = now_ms();
      contestants[i].run();
      times[i].push_back(now_ms() - begin);
    }
  }
  std::vector<Timing> out;
  for (size_t i = 0; i < contestants.size(); ++i) {
    std::vector<double> ratios;
    for (size_t r = 0; r < times[i].size(); ++r) ratios.push_back(times[0][r] / times[i][r]);
    out.push_back({contestants[i].name, quantile(times[i], 0.5), quantile(ratios, 0.5), quantile(ratios, 0.1), quantile(ratios, 0.9)});
  }
  return out;
}

}  // namespace pare::bench
