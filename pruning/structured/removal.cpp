#include "pruning/structured/removal.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>

#include "core/graph/surgery.h"
#include "pruning/structured/latency_table.h"

namespace pare {
namespace {

// Every symbolic dim counts once: MACs of one image.
std::map<std::string, int64_t> one_of_each(const Graph& graph) {
  std::map<std::string, int64_t> out;
  for (ValueId id : graph.inputs())
    for (const Dim& dim : *graph.value(id).shape)
      for (const std::string& symbol : dim.symbols()) out[symbol] = 1;
  return out;
}

std::vector<bool> ignored_groups(const Graph& graph, const DimGroups& groups, const Selector& ignore) {
  std::vector<std::string> kept;
  if (!ignore.empty()) {
    const auto layers = selectable_nodes(graph);
    for (size_t i : ignore.select(layers)) kept.push_back(layers[i].param);
  }
  std::vector<bool> out;
  for (const DimGroup& group : groups.groups)
    out.push_back(std::any_of(group.operands.begin(), group.operands.end(), [&](const TieOperand& operand) {
      return operand.role == SliceRole::kProducer && std::find(kept.begin(), kept.end(), operand.param) != kept.end();
    }));
  return out;
}

void check_found(const DimGroups& groups) {
  if (!groups.units.empty()) return;
  std::string first = "the graph has no parameter dims";
  if (!groups.frozen.empty())
    first = fmt("e.g. dim {} of \"{}\": {}", groups.frozen[0].dim, groups.frozen[0].param, groups.frozen[0].reason);
  throw ConfigError(
      fmt("[prune] expected channels that can be removed, found none: all {} dims are fixed ({}). "
          "`pare inspect --groups` lists them.",
          groups.frozen.size(), first));
}

// Runs both models of the comparison on the probe and remembers how far they are apart.
class Comparison {
 public:
  Comparison(const Model& model, const std::vector<at::Tensor>& probe) : model_(model), probe_(probe) {}
  std::vector<Tensor> run(const GraphWithConstants& parts) {
    at::NoGradGuard no_grad;
    Model candidate(parts.graph, parts.constants, model_.ops(), model_.torch_ops());
    candidate.to(model_.device());
    std::vector<Tensor> out;
    for (const at::Tensor& tensor : candidate.forward(probe_)) out.push_back(lend(tensor.contiguous()));
    runs_.push_back(out);
    return out;
  }
  double difference() const {
    double worst = 0.0;
    for (size_t i = 0; runs_.size() == 2 && i < runs_[0].size(); ++i) {
      const at::Tensor a = borrow(runs_[0][i]), b = borrow(runs_[1][i]);
      worst = std::max(worst, ((a - b).abs().max() / a.abs().max().clamp_min(1e-30)).item<double>());
    }
    return worst;
  }

 private:
  const Model& model_;
  const std::vector<at::Tensor>& probe_;
  std::vector<std::vector<Tensor>> runs_;
};

StructuredReport report_of(const Removal& removal, const std::vector<int32_t>& units, const GraphStats& after,
                           double difference) {
  const DimGroups& groups = removal.groups();
  StructuredReport out{.units_removed = static_cast<int64_t>(units.size()),
                       .params_before = removal.before().params,
                       .params_after = after.params,
                       .macs_before = removal.before().macs,
                       .macs_after = after.macs,
                       .latency_us_before = removal.latency_us({}),
                       .latency_us_after = removal.latency_us(units),
                       .max_difference = difference};
  std::vector<int64_t> lost(groups.groups.size(), 0);
  for (int32_t u : units) ++lost[static_cast<size_t>(groups.units[static_cast<size_t>(u)].group)];
  for (size_t g = 0; g < lost.size(); ++g) {
    const auto size = static_cast<int64_t>(groups.groups[g].units.size());
    if (lost[g]) out.groups.push_back({groups.groups[g].name, size, size - lost[g]});
  }
  return out;
}

}  // namespace

Removal::Removal(const Model& model, const RemovalLimits& limits, bool inexact, const TiePolicy& policy)
    : parts_{model.graph(), model.constants()},
      ops_(model.ops()),
      groups_(analyse(parts_.graph, parts_.constants, ops_, policy)),
      limits_{limits.min_channels, limits.round_to, limits.max_sparsity, {}},
      inexact_(inexact),
      bindings_(one_of_each(parts_.graph)),
      before_(graph_stats(parts_.graph, ops_, bindings_)) {
  const std::vector<bool> ignored = ignored_groups(parts_.graph, groups_, limits.ignore);
  check_found(groups_);
  for (size_t g = 0; g < groups_.groups.size(); ++g) {
    const bool fits = inexact || groups_.groups[g].exactness != Exactness::kInexact;
    limits_.allowed.push_back(fits && !ignored[g]);
    if (limits_.allowed[g]) allowed_ += static_cast<int64_t>(groups_.groups[g].units.size());
  }
  PARE_CHECK(
      allowed_ > 0, ConfigError,
      "[prune] expected units to remove, found none: of {} groups {} are ignored, the others can only be removed "
      "inexactly. `pare inspect --groups` lists them.",
      ignored.size(), std::count(ignored.begin(), ignored.end(), true));
}

void Removal::measure_by(const StructuredBudget& target) {
  target.only();
  if (!target.latency) return;
  latency_table_ = read_latency_table(target.latency_table);
  PARE_CHECK(target.latency_isa.empty() || target.latency_isa == latency_table_->isa, ConfigError,
             "[prune] target: expected a latency table of {}, \"{}\" was measured at {}. Run `pare bench "
             "--latency-table` on the device, or change latency_isa",
             target.latency_isa, target.latency_table, latency_table_->isa);
  latency_before_ = estimate_latency(parts_.graph, *latency_table_, bindings_).us;
  PARE_CHECK(latency_before_ > 0, ConfigError, "[prune] target: expected \"{}\" to give this model a time above 0",
             target.latency_table);
}

double Removal::latency_us(const std::vector<int32_t>& units) const {
  if (!latency_table_) return 0.0;
  if (units.empty()) return latency_before_;
  return estimate_latency(preview_removal(parts_, ops_, groups_, {units, true}), *latency_table_, bindings_).us;
}

double Removal::remaining(const std::string& what, const std::vector<int32_t>& units) const {
  if (units.empty()) return 1.0;
  if (what == "latency") {
    PARE_CHECK(latency_table_, InternalError, "[prune] the latency is measured before its table is read");
    return latency_us(units) / latency_before_;
  }
  if (what == "channels")
    return static_cast<double>(allowed_ - static_cast<int64_t>(units.size())) / static_cast<double>(allowed_);
  const GraphStats after = graph_stats(preview_removal(parts_, ops_, groups_, {units, true}), ops_, bindings_);
  return what == "macs" ? static_cast<double>(after.macs) / static_cast<double>(before_.macs)
                        : static_cast<double>(after.params) / static_cast<double>(before_.params);
}

std::vector<int32_t> Removal::select(const std::vector<double>& scores, const std::string& what, double share) const {
  return select_for_budget(groups_, scores, limits_, share, what,
                           [&](const std::vector<int32_t>& units) { return remaining(what, units); });
}

std::vector<int32_t> Removal::within_limits(const std::vector<int32_t>& units) const {
  std::vector<double> scores(groups_.units.size(), 1.0);
  for (int32_t u : units) scores[static_cast<size_t>(u)] = 0.0;
  return least_important(groups_, scores, static_cast<int64_t>(units.size()), limits_);
}

void Removal::check_reachable(const StructuredBudget& target) {
  measure_by(target);
  const auto [what, share] = target.only();
  check_budget(groups_, limits_, share, what,
               [&, what = what](const std::vector<int32_t>& units) { return remaining(what, units); });
}

Json to_json(const StructuredReport& report) {
  Json groups = Json::array();
  for (const auto& g : report.groups) groups.push_back({{"name", g.name}, {"before", g.before}, {"after", g.after}});
  return {{"units_removed", report.units_removed},
          {"params_before", report.params_before},
          {"params_after", report.params_after},
          {"macs_before", report.macs_before},
          {"macs_after", report.macs_after},
          {"latency_us_before", report.latency_us_before},
          {"latency_us_after", report.latency_us_after},
          {"max_difference", report.max_difference},
          {"groups", std::move(groups)}};
}

StructuredReport structured_report_from(const Json& json) {
  try {
    StructuredReport out{.units_removed = json.at("units_removed"),
                         .params_before = json.at("params_before"),
                         .params_after = json.at("params_after"),
                         .macs_before = json.at("macs_before"),
                         .macs_after = json.at("macs_after"),
                         .latency_us_before = json.value("latency_us_before", 0.0),
                         .latency_us_after = json.value("latency_us_after", 0.0),
                         .max_difference = json.at("max_difference")};
    for (const Json& g : json.at("groups")) out.groups.push_back({g.at("name"), g.at("before"), g.at("after")});
    return out;
  } catch (const Json::exception& error) {
    throw ModelError(fmt("[prune] expected the report of a structured pruning: {}", error.what()));
  }
}

std::string describe(const StructuredReport& report) {
  const auto microseconds = [](double us) { return with_commas(std::llround(us)); };
  const std::string latency = report.latency_us_before > 0
                                  ? fmt(", estimated latency {} -> {} us", microseconds(report.latency_us_before),
                                        microseconds(report.latency_us_after))
                                  : "";
  return fmt("{} units removed; params {} -> {}, MACs {} -> {}{}; masked and shrunk outputs differ by {}",
             report.units_removed, with_commas(report.params_before), with_commas(report.params_after),
             with_commas(report.macs_before), with_commas(report.macs_after), latency, report.max_difference);
}

StructuredReport remove_from(Model& model, const Removal& removal, const std::vector<int32_t>& units,
                             const std::vector<at::Tensor>& probe) {
  Comparison comparison(model, probe);
  const Evaluate evaluate = [&](const GraphWithConstants& parts) { return comparison.run(parts); };
  SurgeryResult result = remove_units({model.graph(), model.constants()}, model.ops(), removal.groups(),
                                      {units, removal.inexact()}, removal.inexact() ? Evaluate{} : evaluate);
  const GraphStats after = graph_stats(result.model.graph, model.ops(), one_of_each(result.model.graph));
  model.adopt(std::move(result.model.graph), result.remap, result.model.constants);
  return report_of(removal, units, after, comparison.difference());
}

void agree(std::vector<int32_t>& units, Communicator* communicator) {
  if (!communicator || communicator->size() == 1) return;
  std::vector<at::Tensor> count = {at::tensor({static_cast<int64_t>(units.size())}, at::kLong)};
  communicator->broadcast(count);
  units.resize(static_cast<size_t>(count[0].item<int64_t>()));
  std::vector<at::Tensor> data = {at::tensor(at::ArrayRef<int32_t>(units), at::kInt)};
  communicator->broadcast(data);
  const int32_t* first = data[0].const_data_ptr<int32_t>();
  units.assign(first, first + units.size());
}

}  // namespace pare
