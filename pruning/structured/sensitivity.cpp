#include "pruning/structured/sensitivity.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/data/loader.h"
#include "core/graph/surgery.h"
#include "core/train/evaluate.h"
#include "pruning/structured/removal.h"

namespace pare {
namespace {

/// Where the forward of all points of a group can start.
std::vector<ValueId> boundary_of(const Graph& graph, const std::set<ValueId>& changed) {
  std::set<ValueId> dirty = changed, out;
  std::vector<NodeId> reached;
  for (NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    const auto is_dirty = [&](ValueId input) { return dirty.count(input) != 0; };
    if (!std::any_of(node.inputs.begin(), node.inputs.end(), is_dirty)) continue;
    reached.push_back(id);
    dirty.insert(node.outputs.begin(), node.outputs.end());
  }
  for (NodeId id : reached)
    for (ValueId input : graph.node(id).inputs)
      if (input != kNoValue && !graph.value(input).is_constant() && !dirty.count(input)) out.insert(input);
  if (!dirty.count(graph.outputs()[0])) out.insert(graph.outputs()[0]);
  return {out.begin(), out.end()};
}

/// One point of a curve while it is measured: the group's parameters with the units at zero.
struct MaskedPoint {
  SensitivityPoint point;
  std::vector<std::pair<std::string, at::Tensor>> params;
  EvalResult seen;
};

class GroupProbe {
 public:
  GroupProbe(Model& model, const Removal& removal, size_t group) : model_(model), removal_(removal), group_(group) {
    std::set<ValueId> changed;
    for (const TieOperand& operand : removal.groups().groups[group].operands) {
      if (!operand.zero) continue;
      changed.insert(model.graph().find_value(operand.param));
      names_.insert(operand.param);
    }
    for (const std::string& name : names_) kept_.emplace_back(name, model.param(name).raw.detach().clone());
    cut_ = boundary_of(model.graph(), changed);
  }
  ~GroupProbe() { load(kept_); }
  GroupProbe(const GroupProbe&) = delete;
  GroupProbe& operator=(const GroupProbe&) = delete;

  SensitivityCurve measure(const std::vector<double>& scores, const SensitivityConfig& config, const DatasetPtr& data,
                           int threads) {
    const DimGroup& group = removal_.groups().groups[group_];
    SensitivityCurve out{group.name, static_cast<int64_t>(group.units.size()), {}, {}};
    for (const TieOperand& operand : group.operands)
      if (operand.role == SliceRole::kProducer) out.layers.push_back(operand.param);
    std::vector<int32_t> order = group.units;
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      return scores[static_cast<size_t>(a)] < scores[static_cast<size_t>(b)];
    });
    std::vector<MaskedPoint> points = masks(order, config.shares);
    Loader loader(data, {.batch_size = config.batch_size, .threads = threads});
    loader.start(0);
    for (Batch batch; loader.next(batch);) add_batch(batch, points);
    for (MaskedPoint& point : points) {
      point.point.top1 = point.seen.top1_rate();
      point.point.loss = point.seen.mean_loss();
      out.points.push_back(point.point);
    }
    return out;
  }

 private:
  std::vector<MaskedPoint> masks(const std::vector<int32_t>& order, const std::vector<double>& shares) {
    std::vector<MaskedPoint> out;
    size_t last = 0;
    for (double share : shares) {
      auto count = static_cast<size_t>(std::llround(share * static_cast<double>(order.size())));
      Selection chosen{{order.begin(), order.begin() + static_cast<long>(count)}, true};
      for (; !leaves_cells(removal_.groups(), chosen); --count) chosen.units.pop_back();
      if (count == last) continue;
      last = count;
      MaskedPoint point;
      point.point = {static_cast<double>(count) / static_cast<double>(order.size()), static_cast<int64_t>(count),
                     removal_.remaining("params", chosen.units), removal_.remaining("macs", chosen.units), 0, 0};
      const ConstantStore zeroed = zero_units(removal_.parts().constants, removal_.groups(), chosen);
      for (const std::string& name : names_) point.params.emplace_back(name, borrow(zeroed.get(name)).clone());
      out.push_back(std::move(point));
    }
    return out;
  }

  void add_batch(const Batch& batch, std::vector<MaskedPoint>& points) {
    const at::Tensor labels = borrow(batch.labels).to(model_.device());
    load(kept_);
    const auto values = model_.run({{model_.graph().inputs()[0], borrow(batch.inputs).to(model_.device())}}, cut_);
    std::map<ValueId, at::Tensor> from;
    for (size_t i = 0; i < cut_.size(); ++i) from[cut_[i]] = values[i];
    for (MaskedPoint& point : points) {
      load(point.params);
      point.seen.add(model_.run(from, {model_.graph().outputs()[0]})[0], labels);
    }
  }

  void load(const std::vector<std::pair<std::string, at::Tensor>>& params) {
    for (const auto& [name, tensor] : params) model_.param(name).raw.detach().copy_(tensor);
  }

  Model& model_;
  const Removal& removal_;
  size_t group_;
  std::set<std::string> names_;
  std::vector<std::pair<std::string, at::Tensor>> kept_;
  std::vector<ValueId> cut_;
};

}  // namespace

void SensitivityConfig::check() const {
  bool ascending = !shares.empty();
  for (size_t i = 0; i < shares.size(); ++i)
    ascending = ascending && shares[i] > (i ? shares[i - 1] : 0.0) && shares[i] <= 1.0;
  PARE_CHECK(ascending, ConfigError, "[sensitivity] expected ascending shares above 0, at most 1, got {}", shares);
}

Sensitivity measure_sensitivity(Model& model, const SensitivityConfig& config, const DatasetPtr& data, int threads,
                                const GradientPasses& passes, std::vector<SensitivityCurve> done,
                                const std::function<void(const Sensitivity&, size_t groups)>& progress) {
  config.check();
  PARE_CHECK(model.graph().inputs().size() == 1, ConfigError, "[sensitivity] expected a model with one input, got {}",
             model.graph().inputs().size());
  const bool training = model.training();
  model.train(false);
  RemovalLimits limits;
  limits.ignore = config.ignore;
  const Removal removal(model, limits, config.inexact);
  const std::vector<double> scores =
      score_units(config.criterion, removal.groups(), removal.limits().allowed, model, passes);
  at::NoGradGuard no_grad;
  const EvalResult whole = evaluate(model, data, config.batch_size, threads);
  PARE_CHECK(whole.count > 0, ConfigError, "[sensitivity] expected labelled images, got none");
  Sensitivity out{whole.count, whole.top1_rate(), whole.mean_loss(), {}};
  std::vector<size_t> groups;
  for (size_t g = 0; g < removal.groups().groups.size(); ++g)
    if (removal.limits().allowed[g] && removal.groups().groups[g].units.size() > 1) groups.push_back(g);
  for (size_t g : groups) {
    const auto known = std::find_if(done.begin(), done.end(), [&](const SensitivityCurve& curve) {
      return curve.group == removal.groups().groups[g].name;
    });
    if (known != done.end()) {
      out.curves.push_back(std::move(*known));
      done.erase(known);  // a name may stand for two groups of a fused parameter
    } else {
      out.curves.push_back(GroupProbe(model, removal, g).measure(scores, config, data, threads));
    }
    if (progress) progress(out, groups.size());
  }
  model.train(training);
  return out;
}

double share_within(const Sensitivity& all, const SensitivityCurve& curve, double drop) {
  double share = 0.0;
  for (const SensitivityPoint& point : curve.points) {
    if (all.top1 - point.top1 > drop + 1e-12) break;
    share = point.share;
  }
  return share;
}

}  // namespace pare
