#include "pruning/magnitude/magnitude.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/scalar_tensor.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/job/job.h"
#include "pruning/magnitude/masks.h"

namespace pare {
namespace {

const std::set<std::string> kPrunable = {"Conv", "ConvTranspose", "Gemm", "MatMul"};

// What an earlier mask dropped has magnitude zero, whatever the raw weight says.
at::Tensor magnitudes(Model& model, const std::string& name) {
  const Param& param = model.param(name);
  at::Tensor out = param.raw.detach().abs();
  for (const auto& link : param.chain)
    if (link->order() == Parametrization::Order::kMask) out = link->apply(out);
  return out;
}

Encoding encoding_of(const MagnitudeTarget& target) {
  Encoding out;
  out.layout = Layout::kBitmask;
  if (target.structure == SparsityStructure::kNofM) {
    out.layout = Layout::kNofM;
    out.n = target.n;
    out.m = target.m;
  } else if (target.structure == SparsityStructure::kBlock) {
    out.layout = Layout::kBlock;
    out.block = target.block;
  }
  return out;
}

}  // namespace

std::vector<at::Tensor> magnitude_masks(const MagnitudeTarget& target, const std::vector<at::Tensor>& scores,
                                        double sparsity) {
  std::vector<at::Tensor> units = scores, masks;
  if (target.structure == SparsityStructure::kNofM) {
    for (const at::Tensor& s : scores) masks.push_back(n_of_m_mask(s, target.n, target.m));
    return masks;
  }
  const bool blocks = target.structure == SparsityStructure::kBlock;
  if (blocks)
    for (at::Tensor& u : units) u = block_scores(u, target.block);
  if (target.scope == SparsityScope::kGlobal) {
    masks = smallest_masks(units, sparsity);
  } else {
    for (const at::Tensor& u : units) masks.push_back(smallest_mask(u, sparsity));
  }
  if (blocks)
    for (size_t i = 0; i < masks.size(); ++i) masks[i] = spread_blocks(masks[i], target.block, scores[i].sizes());
  return masks;
}

std::vector<std::string> selected_weights(const Graph& graph, const MagnitudeTarget& target) {
  const auto layers = selectable_nodes(graph, kPrunable);
  std::vector<std::string> out;
  for (size_t i : select_layers(layers, target.targets, target.ignore)) {
    const std::string& weight = layers[i].param;
    if (!weight.empty() && std::find(out.begin(), out.end(), weight) == out.end()) out.push_back(weight);
  }
  PARE_CHECK(!out.empty(), ConfigError, "[prune.magnitude] expected a Conv, Gemm or MatMul with a weight, found none "
             "among the selected layers. `pare inspect` lists the layers.");
  return out;
}

void apply_magnitude_masks(Model& model, const MagnitudeTarget& target, const std::vector<std::string>& weights,
                           double sparsity) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> scores;
  for (const std::string& name : weights) scores.push_back(magnitudes(model, name));
  const std::vector<at::Tensor> masks = magnitude_masks(target, scores, sparsity);
  for (size_t i = 0; i < weights.size(); ++i) {
    model.remove_link(weights[i], "mask");
    model.add_link(weights[i], std::make_shared<Mask>(masks[i], encoding_of(target)));
  }
}

double sparsity_of(Model& model, const std::vector<std::string>& weights) {
  at::NoGradGuard no_grad;
  int64_t zeros = 0, all = 0;
  for (const std::string& name : weights) {
    const at::Tensor w = model.effective(name);
    zeros += w.numel() - w.count_nonzero().item<int64_t>();
    all += w.numel();
  }
  return all ? static_cast<double>(zeros) / static_cast<double>(all) : 0.0;
}

void MagnitudeStage::check(Job& job) {
  if (job.model) selected_weights(job.model->graph(), config_);
}

std::vector<std::string> MagnitudeStage::plan(Job& job) {
  const auto weights = selected_weights(job.model->graph(), config_);
  const double share = config_.structure == SparsityStructure::kNofM
                           ? 1.0 - static_cast<double>(config_.n) / static_cast<double>(config_.m)
                           : config_.sparsity;
  return {fmt("zeroes {} of {} weights by magnitude ({}, {} scope)", share, weights.size(),
              enum_name(config_.structure), enum_name(config_.scope))};
}

void MagnitudeStage::run(Job& job) {
  const auto weights = selected_weights(job.model->graph(), config_);
  apply_magnitude_masks(*job.model, config_, weights, config_.sparsity);
  const double reached = sparsity_of(*job.model, weights);
  job.results["prune.magnitude"] = {{"weights", weights.size()}, {"sparsity", reached}};
  job.sink.line(fmt("prune.magnitude: {} weights, {} of their elements are zero", weights.size(), reached));
}

double GradualMagnitude::scheduled(int64_t step, int64_t steps_per_epoch, int64_t total_steps) const {
  const double per = static_cast<double>(steps_per_epoch);
  const double first = config_.start_epoch * per;
  const double last = config_.end_epoch < 0 ? 0.75 * static_cast<double>(total_steps) : config_.end_epoch * per;
  const double at = static_cast<double>(step);
  if (at < first) return 0.0;
  if (at >= last) return config_.sparsity;
  const double progress = (at - first) / (last - first);
  return config_.sparsity * (1.0 - std::pow(1.0 - progress, 3.0));
}

void GradualMagnitude::start(Model& model, const StepContext&) { weights_ = selected_weights(model.graph(), config_); }

void GradualMagnitude::before_step(Model& model, const StepContext& context) {
  if (context.step % config_.update_steps != 0) return;
  const double wanted = scheduled(context.step, context.steps_per_epoch, context.total_steps);
  if (wanted <= reached_) return;
  apply_magnitude_masks(model, config_, weights_, wanted);
  reached_ = wanted;
}

void GradualMagnitude::finish(Model& model, const StepContext&) {
  apply_magnitude_masks(model, config_, weights_, config_.sparsity);
  reached_ = config_.sparsity;
}

std::map<std::string, at::Tensor> GradualMagnitude::state() const {
  return {{"reached", at::scalar_tensor(reached_, at::kDouble)}};
}

void GradualMagnitude::load_state(const std::map<std::string, at::Tensor>& state) {
  reached_ = state.at("reached").item<double>();
}

std::string GradualMagnitude::status() const { return fmt("sparsity {}", std::round(reached_ * 1000.0) / 1000.0); }

}  // namespace pare
