#include "pruning/structured/budget.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "core/job/job.h"

namespace pare {
namespace {

int64_t allowed_units(const DimGroups& groups, const SelectionLimits& limits) {
  int64_t total = 0;
  for (size_t g = 0; g < groups.groups.size(); ++g)
    if (limits.allowed[g]) total += static_cast<int64_t>(groups.groups[g].units.size());
  return total;
}

// Units that a group of `size` may lose when `wanted` of them rank low enough.
int64_t removable(int64_t size, int64_t wanted, const SelectionLimits& limits) {
  int64_t keep = std::max(size - wanted, std::min(size, limits.min_channels));
  keep = std::max(keep, size - static_cast<int64_t>(std::floor(static_cast<double>(size) * limits.max_sparsity)));
  keep = std::max<int64_t>(keep, 1);
  return size - std::min(size, (keep + limits.round_to - 1) / limits.round_to * limits.round_to);
}

// Units of allowed groups, least important first.
std::vector<int32_t> ranked_units(const DimGroups& groups, const std::vector<double>& scores,
                                  const SelectionLimits& limits) {
  std::vector<int32_t> ranking;
  for (size_t u = 0; u < groups.units.size(); ++u)
    if (limits.allowed[static_cast<size_t>(groups.units[u].group)]) ranking.push_back(static_cast<int32_t>(u));
  std::stable_sort(ranking.begin(), ranking.end(), [&](int32_t a, int32_t b) {
    return scores[static_cast<size_t>(a)] < scores[static_cast<size_t>(b)];
  });
  return ranking;
}

// The first `count` of the ranking, after the limits; ascending.
std::vector<int32_t> lowest(const DimGroups& groups, const std::vector<int32_t>& ranking, int64_t count,
                            const SelectionLimits& limits) {
  const int64_t size = std::clamp<int64_t>(count, 0, static_cast<int64_t>(ranking.size()));
  std::vector<std::vector<int32_t>> by_group(groups.groups.size());
  for (int32_t unit : std::span(ranking).first(static_cast<size_t>(size)))
    by_group[static_cast<size_t>(groups.units[static_cast<size_t>(unit)].group)].push_back(unit);
  std::vector<int32_t> out;
  for (size_t g = 0; g < by_group.size(); ++g) {
    auto& low = by_group[g];  // least important first
    const auto units = static_cast<int64_t>(groups.groups[g].units.size());
    low.resize(static_cast<size_t>(std::max<int64_t>(0, removable(units, static_cast<int64_t>(low.size()), limits))));
    out.insert(out.end(), low.begin(), low.end());
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

std::pair<std::string, double> StructuredBudget::only() const {
  std::vector<std::pair<std::string, double>> given;
  if (macs) given.emplace_back("macs", *macs);
  if (params) given.emplace_back("params", *params);
  if (channels) given.emplace_back("channels", *channels);
  if (latency) given.emplace_back("latency", *latency);
  PARE_CHECK(given.size() == 1, ConfigError,
             "[prune] target: expected exactly one of macs, params, channels, latency, got {}", given.size());
  PARE_CHECK(given[0].second < 1.0, ConfigError,
             "[prune] target: expected a share of {} below 1, got {}: nothing would go", given[0].first,
             given[0].second);
  PARE_CHECK(!latency || !latency_table.empty(), ConfigError,
             "[prune] target: expected a latency_table for latency, got none. `pare bench --latency-table FILE` writes "
             "one on the device");
  PARE_CHECK(latency || (latency_table.empty() && latency_isa.empty()), ConfigError,
             "[prune] target: expected latency_table and latency_isa with latency only, got them with {}",
             given[0].first);
  return given[0];
}

StructuredBudget StructuredBudget::resolved(const Job* job) const {
  StructuredBudget out = *this;
  if (job && !latency_table.empty()) out.latency_table = job->resolve_path(latency_table);
  return out;
}

std::vector<int32_t> least_important(const DimGroups& groups, const std::vector<double>& scores, int64_t count,
                                     const SelectionLimits& limits) {
  return lowest(groups, ranked_units(groups, scores, limits), count, limits);
}

int64_t check_budget(const DimGroups& groups, const SelectionLimits& limits, double share, const std::string& what,
                     const std::function<double(const std::vector<int32_t>&)>& cost) {
  const int64_t all = allowed_units(groups, limits);
  PARE_CHECK(all > 0, ConfigError,
             "[prune] expected units to remove, found none: every group is ignored, frozen or inexact. "
             "`pare inspect --groups` lists them.");
  const double whole = cost({});
  const double least = cost(least_important(groups, std::vector<double>(groups.units.size(), 0.0), all, limits));
  PARE_CHECK(
      least <= share * whole, ConfigError,
      "[prune] target {}: {} cannot be reached: {} remain when everything removable is gone "
      "(min_channels {}, round_to {}, max_sparsity {}, {} of {} groups allowed). Loosen these or raise the target.",
      what, share, std::round(1000.0 * least / whole) / 1000.0, limits.min_channels, limits.round_to,
      limits.max_sparsity, std::count(limits.allowed.begin(), limits.allowed.end(), true), limits.allowed.size());
  return all;
}

std::vector<int32_t> select_for_budget(const DimGroups& groups, const std::vector<double>& scores,
                                       const SelectionLimits& limits, double share, const std::string& what,
                                       const std::function<double(const std::vector<int32_t>&)>& cost) {
  const int64_t all = check_budget(groups, limits, share, what, cost);
  const double wanted = share * cost({});
  const std::vector<int32_t> ranking = ranked_units(groups, scores, limits);
  int64_t low = 0, high = all;  // cost(high) <= wanted always holds
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (cost(lowest(groups, ranking, middle, limits)) <= wanted)
      high = middle;
    else
      low = middle + 1;
  }
  return lowest(groups, ranking, high, limits);
}

}  // namespace pare
