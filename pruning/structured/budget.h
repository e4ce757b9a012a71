#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/config.h"
#include "core/graph/ties.h"
#include "core/recipe/selector.h"

namespace pare {

class Job;

/// What is to remain, as a share of the model that the stage gets. Exactly one share is given.
struct StructuredBudget {
  std::optional<double> macs, params, channels, latency;
  std::string latency_table, latency_isa;
  template <class V>
  void fields(V& v) {
    v("macs", macs, between(0, 1), "share of the multiply-accumulates that remains");
    v("params", params, between(0, 1), "share of the parameters that remains");
    v("channels", channels, between(0, 1), "share of the removable units that remains");
    v("latency", latency, between(0, 1), "share of the time of one input that remains, as estimated by latency_table");
    v("latency_table", latency_table, "path of what `pare bench --latency-table` wrote on the device");
    v("latency_isa", latency_isa, "what the table has to be of, e.g. avx2; empty: any");
  }
  /// Whether a share is set.
  bool given() const { return macs || params || channels || latency; }
  /// "macs", "params", "channels" or "latency", and the share. Throws ConfigError unless exactly one is set, below 1,
  /// and the table is there just when it is read.
  std::pair<std::string, double> only() const;
  /// With the table's path as the recipe's folder makes it; the same without a job.
  StructuredBudget resolved(const Job* job) const;
};

/// What limits a selection, beside the budget.
struct SelectionLimits {
  int64_t min_channels = 1;   ///< units that a group keeps at least
  int64_t round_to = 1;       ///< a group's kept units are rounded up to a multiple of this
  double max_sparsity = 1.0;  ///< share of a group that may go at most
  std::vector<bool> allowed;  ///< by group
};

/// Units to remove when the `count` least important allowed ones go, after the limits; ascending. `scores` by unit.
std::vector<int32_t> least_important(const DimGroups& groups, const std::vector<double>& scores, int64_t count,
                                     const SelectionLimits& limits);

/// Units that may go. Throws ConfigError naming what prevents the budget when even their removal leaves more than
/// `share`.
int64_t check_budget(const DimGroups& groups, const SelectionLimits& limits, double share, const std::string& what,
                     const std::function<double(const std::vector<int32_t>&)>& cost);

/// The shortest removal whose cost is at most `share` of the whole, by bisection over the ranking. `cost` of a removal
/// must not grow with it. Throws as check_budget does.
std::vector<int32_t> select_for_budget(const DimGroups& groups, const std::vector<double>& scores,
                                       const SelectionLimits& limits, double share, const std::string& what,
                                       const std::function<double(const std::vector<int32_t>&)>& cost);

}  // namespace pare
