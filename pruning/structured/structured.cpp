#include "pruning/structured/structured.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>

#include "core/graph/stats.h"
#include "core/graph/surgery.h"
#include "core/job/job.h"
#include "pruning/structured/gradients.h"

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

std::vector<bool> allowed_groups(const Graph& graph, const DimGroups& groups, const StructuredConfig& config) {
  std::vector<std::string> kept;
  if (!config.ignore.empty()) {
    const auto layers = selectable_nodes(graph);
    for (size_t i : config.ignore.select(layers)) kept.push_back(layers[i].param);
  }
  std::vector<bool> out;
  for (const DimGroup& group : groups.groups) {
    const bool ignored = std::any_of(group.operands.begin(), group.operands.end(), [&](const TieOperand& operand) {
      return operand.role == SliceRole::kProducer && std::find(kept.begin(), kept.end(), operand.param) != kept.end();
    });
    out.push_back(!ignored && (config.inexact || group.exactness != Exactness::kInexact));
  }
  return out;
}

void normalize(std::vector<double>& scores, const DimGroups& groups) {
  for (const DimGroup& group : groups.groups) {
    double mean = 0.0;
    for (int32_t u : group.units) mean += scores[static_cast<size_t>(u)] / static_cast<double>(group.units.size());
    for (int32_t u : group.units)
      if (mean > 0.0) scores[static_cast<size_t>(u)] /= mean;
  }
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

struct Choice {
  GraphWithConstants parts;
  DimGroups groups;
  Selection selection;
  GraphStats before;
};

GraphWithConstants parts_of(const Model& model) { return {model.graph(), model.constants()}; }

Choice choose(Model& model, const StructuredConfig& config) {
  Choice out{.parts = parts_of(model)};
  out.groups = analyse(out.parts.graph, out.parts.constants, model.ops());
  const auto bindings = one_of_each(out.parts.graph);
  out.before = graph_stats(out.parts.graph, model.ops(), bindings);
  std::vector<double> scores = score_units(config.criterion, out.groups, model);
  if (config.normalization == ScoreNormalization::kGroupMean) normalize(scores, out.groups);
  const SelectionLimits limits{config.min_channels, config.round_to, config.max_sparsity,
                               allowed_groups(out.parts.graph, out.groups, config)};
  const auto [what, share] = config.target.only();
  int64_t all = 0;
  for (size_t g = 0; g < limits.allowed.size(); ++g)
    if (limits.allowed[g]) all += static_cast<int64_t>(out.groups.groups[g].units.size());
  const auto cost = [&, what = what](const std::vector<int32_t>& removed) -> double {
    if (what == "channels") return static_cast<double>(all) - static_cast<double>(removed.size());
    const Selection trial{removed, config.inexact};
    const GraphStats stats = removed.empty() ? out.before
                                             : graph_stats(preview_removal(out.parts, model.ops(), out.groups, trial),
                                                           model.ops(), bindings);
    return static_cast<double>(what == "macs" ? stats.macs : stats.params);
  };
  out.selection = {select_for_budget(out.groups, scores, limits, share, what, cost), config.inexact};
  return out;
}

// All ranks prune what rank 0 chose.
void agree(Selection& selection, Communicator* communicator) {
  if (!communicator || communicator->size() == 1) return;
  std::vector<at::Tensor> count = {at::tensor({static_cast<int64_t>(selection.units.size())}, at::kLong)};
  communicator->broadcast(count);
  selection.units.resize(static_cast<size_t>(count[0].item<int64_t>()));
  std::vector<at::Tensor> units = {at::tensor(at::ArrayRef<int32_t>(selection.units), at::kInt)};
  communicator->broadcast(units);
  const int32_t* data = units[0].const_data_ptr<int32_t>();
  selection.units.assign(data, data + selection.units.size());
}

StructuredReport report_of(const Choice& choice, const GraphStats& after, double difference) {
  StructuredReport out{.units_removed = static_cast<int64_t>(choice.selection.units.size()),
                       .params_before = choice.before.params, .params_after = after.params,
                       .macs_before = choice.before.macs, .macs_after = after.macs, .max_difference = difference};
  std::vector<int64_t> lost(choice.groups.groups.size(), 0);
  for (int32_t u : choice.selection.units) ++lost[static_cast<size_t>(choice.groups.units[static_cast<size_t>(u)].group)];
  for (size_t g = 0; g < lost.size(); ++g) {
    const auto size = static_cast<int64_t>(choice.groups.groups[g].units.size());
    if (lost[g]) out.groups.push_back({choice.groups.groups[g].name, size, size - lost[g]});
  }
  return out;
}

StructuredReport prune(Model& model, const StructuredConfig& config, const std::vector<at::Tensor>& probe,
                       Communicator* communicator) {
  Choice choice = choose(model, config);
  agree(choice.selection, communicator);
  Comparison comparison(model, probe);
  const Evaluate evaluate = [&](const GraphWithConstants& parts) { return comparison.run(parts); };
  SurgeryResult result = remove_units(choice.parts, model.ops(), choice.groups, choice.selection,
                                      config.inexact ? Evaluate{} : evaluate);
  const GraphStats after = graph_stats(result.model.graph, model.ops(), one_of_each(result.model.graph));
  model.adopt(std::move(result.model.graph), result.remap, result.model.constants);
  return report_of(choice, after, comparison.difference());
}

}  // namespace

Json to_json(const StructuredReport& report) {
  Json groups = Json::array();
  for (const auto& g : report.groups) groups.push_back({{"name", g.name}, {"before", g.before}, {"after", g.after}});
  return {{"units_removed", report.units_removed}, {"params_before", report.params_before},
          {"params_after", report.params_after},   {"macs_before", report.macs_before},
          {"macs_after", report.macs_after},       {"max_difference", report.max_difference},
          {"groups", std::move(groups)}};
}

StructuredReport prune_structured(Model& model, const StructuredConfig& config, const std::vector<at::Tensor>& probe) {
  return prune(model, config, probe, nullptr);
}

void StructuredStage::check(Job& job) {
  config_.target.only();
  if (!job.model || config_.ignore.empty()) return;
  config_.ignore.select(selectable_nodes(job.model->graph()));
}

std::vector<std::string> StructuredStage::plan(Job& job) {
  const auto [what, share] = config_.target.only();
  const GraphWithConstants parts = parts_of(*job.model);
  const DimGroups groups = analyse(parts.graph, parts.constants, job.model->ops());
  return {fmt("removes channels until {} of the {} remain: {} units in {} groups, {} fixed dims", share, what,
              groups.units.size(), groups.groups.size(), groups.frozen.size())};
}

void StructuredStage::run(Job& job) {
  const bool needs_gradients = std::holds_alternative<TaylorCriterion>(config_.criterion);
  if (needs_gradients) accumulate_gradients(job, std::get<TaylorCriterion>(config_.criterion));
  const StructuredReport report = prune(*job.model, config_, probe_inputs(job), job.communicator.get());
  if (needs_gradients) clear_gradients(*job.model);
  job.results["prune.structured"] = to_json(report);
  job.sink.line(fmt("prune.structured: {} units removed; params {} -> {}, MACs {} -> {}; masked and shrunk outputs differ by {}",
                    report.units_removed, with_commas(report.params_before), with_commas(report.params_after),
                    with_commas(report.macs_before), with_commas(report.macs_after), report.max_difference));
}

at::Tensor StructuredModifier::loss(Model&, const LossContext& context, at::Tensor loss_so_far) {
  if (!done_) probe_ = context.inputs;
  return loss_so_far;
}

void StructuredModifier::after_step(Model& model, const StepContext& context) {
  const auto due = std::llround(config_.at_epoch * static_cast<double>(context.steps_per_epoch));
  if (done_ || context.step < due) return;
  const bool training = model.training();
  model.train(false);
  prune(model, config_, probe_, context.communicator);
  model.train(training);
  done_ = true;
  probe_.clear();
}

std::map<std::string, at::Tensor> StructuredModifier::state() const {
  return {{"done", at::scalar_tensor(done_, at::kBool)}};
}

void StructuredModifier::load_state(const std::map<std::string, at::Tensor>& state) {
  done_ = state.at("done").item<bool>();
}

}  // namespace pare
