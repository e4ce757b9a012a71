#pragma once

#include <functional>
#include <string>
#include <vector>

namespace pare::bench {

struct Contestant {
  std::string name;
  std::function<void()> run;
};

struct Timing {
  std::string name;
  double median_ms = 0.0;
  /// Per-round time of the first contestant over this one's: above 1 is faster than the first.
  double ratio = 1.0, ratio_p10 = 1.0, ratio_p90 = 1.0;
};

/// Round-robin in one process, so that all see the same noise: each timed call follows an untimed one of the same
/// contestant. At least `rounds` rounds and `seconds` in all; medians of per-round figures, never best-of.
std::vector<Timing> interleave(const std::vector<Contestant>& contestants, int rounds, double seconds);

/// The value below which `share` of the values lie; at least one value.
double quantile(std::vector<double> values, double share);

}  // namespace pare::bench
