#include "pruning/pattern/projection.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "pruning/magnitude/masks.h"

namespace pare {
namespace {

bool is_3x3(const at::Tensor& weight) { return weight.dim() == 4 && weight.size(2) == 3 && weight.size(3) == 3; }
bool is_1x1(const at::Tensor& weight) { return weight.dim() == 4 && weight.size(2) == 1 && weight.size(3) == 1; }

std::vector<int64_t> chosen_set(const PatternTarget& target, const std::vector<PatternLayer>& layers,
                                const std::vector<at::Tensor>& weights) {
  std::vector<at::Tensor> kernels;
  for (size_t i = 0; i < layers.size(); ++i)
    if (layers[i].patterns) kernels.push_back(weights[i]);
  switch (target.set) {
    case PatternSet::kFrequent: return frequent_patterns(kernels, target.pattern_group, target.patterns);
    case PatternSet::kSurviving: return surviving_patterns(kernels, target.pattern_group, target.patterns);
    case PatternSet::kPconv: break;
  }
  return pconv_patterns();
}

// Drops the share of lowest energy over all layers together, but leaves each of them its best `min_density`.
std::vector<at::Tensor> global_masks(std::vector<at::Tensor> energy, double share, double min_density) {
  for (at::Tensor& e : energy) {
    const at::Tensor best = smallest_mask(e, 1.0 - min_density);
    e = e.masked_fill(best.ne(0), std::numeric_limits<double>::infinity());
  }
  return smallest_masks(energy, share);
}

}  // namespace

void PatternTarget::check(const ConfigMark& mark, const std::string& path) const {
  if (scope == SparsityScope::kGlobal && connectivity_sparsity > 1.0 - min_density)
    config_fail(mark, path, fmt("expected connectivity_sparsity and min_density to be 1 together at most, got {} and {}",
                                connectivity_sparsity, min_density));
}

std::vector<PatternLayer> pattern_layers(const Model& model, const PatternTarget& target) {
  const auto layers = selectable_nodes(model.graph(), {"Conv"});
  std::map<std::string, at::Tensor> weights;
  for (const Param& param : model.params()) weights[param.name] = param.raw;
  std::vector<PatternLayer> out;
  for (size_t i : select_layers(layers, target.targets, target.ignore)) {
    const auto found = weights.find(layers[i].param);
    if (found == weights.end()) continue;
    const bool first = layers[i].name == layers.front().name;
    PatternLayer layer{layers[i].param, is_3x3(found->second), !first || target.first_conv == FirstConv::kAll};
    const bool pointwise = is_1x1(found->second) && target.pointwise_sparsity > 0;
    if ((!layer.patterns && !pointwise) || (first && target.first_conv == FirstConv::kKeep)) continue;
    const bool known = std::any_of(out.begin(), out.end(), [&](const PatternLayer& l) { return l.weight == layer.weight; });
    if (!known) out.push_back(std::move(layer));
  }
  PARE_CHECK(std::any_of(out.begin(), out.end(), [](const PatternLayer& l) { return l.patterns; }), ConfigError,
             "[prune.pattern] expected convolutions with 3x3 kernels among the selected layers, found none beside the "
             "model's first one. `pare inspect` lists the layers.");
  return out;
}

PatternProjection::PatternProjection(PatternTarget target, std::vector<PatternLayer> layers,
                                     const std::vector<at::Tensor>& weights)
    : target_(std::move(target)), layers_(std::move(layers)), patterns_(chosen_set(target_, layers_, weights)) {}

PatternProjection::PatternProjection(PatternTarget target, std::vector<PatternLayer> layers, std::vector<int64_t> patterns)
    : target_(std::move(target)), layers_(std::move(layers)), patterns_(std::move(patterns)) {}

std::vector<at::Tensor> PatternProjection::pattern_masks(const std::vector<at::Tensor>& weights) const {
  const at::Tensor rows = pattern_rows(patterns_);
  std::vector<at::Tensor> out;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const at::Tensor& weight = weights[i];
    if (!layers_[i].patterns) {
      out.push_back(at::ones(weight.sizes(), at::kFloat));
      continue;
    }
    const at::Tensor best = at::matmul(group_energy(weight, target_.pattern_group), rows.t()).argmax(2);
    const at::Tensor kept = rows.index_select(0, best.flatten()).reshape({best.size(0), best.size(1), -1});
    out.push_back(spread_groups(kept, target_.pattern_group, weight.sizes()).to(at::kFloat));
  }
  return out;
}

// One 0/1 a group, [groups of O, groups of I]; undefined for layers that keep all.
std::vector<at::Tensor> PatternProjection::kept_groups(const std::vector<at::Tensor>& weights) const {
  std::vector<at::Tensor> out(layers_.size()), energy;
  std::vector<size_t> together;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const double share = layers_[i].patterns ? target_.connectivity_sparsity : target_.pointwise_sparsity;
    // A depthwise kernel is all that its channel has.
    if (!layers_[i].connectivity || share == 0 || weights[i].size(1) == 1) continue;
    const at::Tensor groups = group_energy(weights[i], target_.pattern_group).sum(2);
    if (target_.scope == SparsityScope::kGlobal && layers_[i].patterns) {
      energy.push_back(groups);
      together.push_back(i);
    } else {
      out[i] = smallest_mask(groups, share);
    }
  }
  const auto masks = global_masks(energy, target_.connectivity_sparsity, target_.min_density);
  for (size_t k = 0; k < together.size(); ++k) out[together[k]] = masks[k];
  return out;
}

std::vector<at::Tensor> PatternProjection::connectivity_masks(const std::vector<at::Tensor>& weights) const {
  const auto kept = kept_groups(weights);
  std::vector<at::Tensor> out;
  for (size_t i = 0; i < layers_.size(); ++i)
    out.push_back(kept[i].defined()
                      ? spread_groups(kept[i].unsqueeze(2), target_.pattern_group, weights[i].sizes()).to(at::kFloat)
                      : at::ones(weights[i].sizes(), at::kFloat));
  return out;
}

std::vector<at::Tensor> PatternProjection::masks(const std::vector<at::Tensor>& weights) const {
  std::vector<at::Tensor> out = pattern_masks(weights), left;
  for (size_t i = 0; i < out.size(); ++i) left.push_back(weights[i].detach() * out[i]);
  const auto kept = connectivity_masks(left);
  for (size_t i = 0; i < out.size(); ++i) out[i] = out[i] * kept[i];
  return out;
}

}  // namespace pare
