#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/config_write.h"
#include "core/graph/latency.h"
#include "core/graph/stats.h"
#include "core/graph/ties.h"
#include "core/model/model.h"
#include "core/recipe/selector.h"
#include "core/train/communicator.h"
#include "pruning/structured/budget.h"

namespace pare {

/// What a structured method leaves alone, whatever it removes.
struct RemovalLimits {
  int64_t round_to = 1, min_channels = 1;
  double max_sparsity = 0.9;
  Selector ignore;
  template <class V>
  void fields(V& v) {
    v("round_to", round_to, at_least(1), "kept channels of a group are a multiple of this (16 suits most CPUs)");
    v("min_channels", min_channels, at_least(1), "channels that a group keeps at least");
    v("max_sparsity", max_sparsity, between(0, 1), "share of a group that may go at most");
    v("ignore", ignore, "layers whose output channels stay");
  }
};

/// The removable units of a model and what is left when some of them go. Valid for the structure it was made from.
class Removal {
 public:
  /// Throws ConfigError before anything is trained: an ignore pattern that matches nothing, a model without removable
  /// units, all of them ignored or inexact. `policy`: with the choices of an earlier removal, see TiePolicy. `inexact`:
  /// units whose removal differs from zeroing count too.
  Removal(const Model& model, const RemovalLimits& limits, bool inexact = false, const TiePolicy& policy = {});

  const DimGroups& groups() const { return groups_; }
  const SelectionLimits& limits() const { return limits_; }
  bool inexact() const { return inexact_; }
  const GraphWithConstants& parts() const { return parts_; }
  const GraphStats& before() const { return before_; }
  /// Units of allowed groups.
  int64_t allowed_units() const { return allowed_; }

  /// Reads what the target's measure needs: `remaining` and `select` know "latency" only behind it. Throws ConfigError
  /// when the target is none, or its table is of another device, malformed or without a kind of node of this model;
  /// IoError when it cannot be read.
  void measure_by(const StructuredBudget& target);
  /// Estimated time of one input without the units [us]; 0 unless the target is a latency.
  double latency_us(const std::vector<int32_t>& units) const;
  /// What remains by the budget's measure ("macs", "params", "channels" or "latency") when the units go, as a share of
  /// the whole.
  double remaining(const std::string& what, const std::vector<int32_t>& units) const;
  /// The shortest removal by ascending score (index = unit) that leaves at most `share`. Throws ConfigError when it
  /// cannot be reached.
  std::vector<int32_t> select(const std::vector<double>& scores, const std::string& what, double share) const;
  /// Those of `units` that may go together under the limits (rounding, floors); ascending.
  std::vector<int32_t> within_limits(const std::vector<int32_t>& units) const;
  /// measure_by, and throws ConfigError naming what prevents the budget: nothing to remove, or more than there is.
  void check_reachable(const StructuredBudget& target);

 private:
  GraphWithConstants parts_;
  const OpTable& ops_;
  DimGroups groups_;
  SelectionLimits limits_;
  bool inexact_ = false;
  int64_t allowed_ = 0;
  std::map<std::string, int64_t> bindings_;
  GraphStats before_;
  std::optional<LatencyTable> latency_table_;
  double latency_before_ = 0.0;  // us
};

/// What a structured pruning did.
struct StructuredReport {
  struct Group {
    std::string name;
    int64_t before = 0, after = 0;
  };
  std::vector<Group> groups;  ///< those that lost units
  int64_t units_removed = 0;
  int64_t params_before = 0, params_after = 0;
  int64_t macs_before = 0, macs_after = 0;
  double latency_us_before = 0.0, latency_us_after = 0.0;  ///< estimated; 0 unless the target was a latency
  double max_difference = 0.0;  ///< masked against shrunk model, relative to the output range
};
Json to_json(const StructuredReport& report);
/// Inverse of to_json; throws ModelError for anything else.
StructuredReport structured_report_from(const Json& json);
/// One line for people: what went, and how far masked and shrunk outputs are apart.
std::string describe(const StructuredReport& report);

/// Removes the units from the model: graph, parameters, chains and listeners shrink together. The masked and the shrunk
/// model are run on `probe` (model inputs) and must agree: otherwise ModelError, and the model stays as it was.
StructuredReport remove_from(Model& model, const Removal& removal, const std::vector<int32_t>& units,
                             const std::vector<at::Tensor>& probe);

/// All ranks continue with what rank 0 chose.
void agree(std::vector<int32_t>& units, Communicator* communicator);

}  // namespace pare
