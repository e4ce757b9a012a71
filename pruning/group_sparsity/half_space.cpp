#include "pruning/group_sparsity/half_space.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones_like.h>

#include <algorithm>
#include <tuple>

namespace pare {
namespace {

constexpr double kSafe = 1e-6;     // beside a norm that may be zero
constexpr double kUnranked = 1e9;  // behind every ranked unit

}  // namespace

HalfSpace::HalfSpace(std::string name, RemovalLimits limits, SparsitySpan span, double eps, StructuredBudget target,
                     Job* job)
    : GroupSparsity(std::move(name), std::move(limits), target, job), span_(span), eps_(eps) {}

void HalfSpace::begin(const StepContext& context) {
  std::tie(first_, last_) = steps_of(span_, context, 1, holder());
}

void HalfSpace::before_step(Model& model, const StepContext& context) {
  if (done()) return;
  PARE_CHECK(context.optimizer, ModelError,
             "[{}] expected an optimizer in the step's context: the penalty needs its learning rate", holder());
  at::NoGradGuard no_grad;
  const UnitMoments moments = unit_moments(table(), values(), gradients());
  partition(context, moments);
  xx_ = moments.xx;
  if (context.step >= first_)
    for (const std::string& name : table().params()) before_[name] = model.param(name).raw.detach().clone();
  // Within the span a penalty larger than the unit turns it around: it leaves the half space and becomes zero.
  at::Tensor shrunk = 1.0 - strengths(moments) * context.optimizer->lr() / (moments.xx.sqrt() + kSafe);
  if (context.step < first_) shrunk = shrunk.clamp_min(0.0);
  at::Tensor factors = at::ones_like(shrunk);
  const double* from = shrunk.const_data_ptr<double>();
  double* to = factors.mutable_data_ptr<double>();
  for (int32_t unit : marked(kShrinking)) to[unit] = from[unit];
  table().scale(values(), factors);
}

void HalfSpace::after_step(Model&, const StepContext& context) {
  if (done()) return;
  scale_marked(1.0, context.optimizer);
  if (context.step >= first_) project(context);
  if (context.step + 1 != last_) return;
  const std::vector<int32_t> units = conclude();
  mark(units, kZero);
  scale_marked(1.0, context.optimizer);
  remove(units);
  before_.clear();
}

void HalfSpace::project(const StepContext& context) {
  const at::Tensor inner =
      table().sums([&](const std::string& name) { return model().param(name).raw.detach() * before_.at(name); });
  const double* y = inner.const_data_ptr<double>();
  const double* x = xx_.const_data_ptr<double>();
  std::vector<int32_t> candidates;
  for (int32_t unit : marked(kShrinking))
    if (x[unit] == 0.0 || y[unit] < eps_ * x[unit]) candidates.push_back(unit);
  const auto ratio = [&](int32_t unit) { return x[unit] == 0.0 ? 0.0 : y[unit] / x[unit]; };
  std::stable_sort(candidates.begin(), candidates.end(), [&](int32_t a, int32_t b) { return ratio(a) < ratio(b); });
  std::vector<int32_t> units = candidates.empty() ? candidates : admit(std::move(candidates));
  agree(units, context.communicator);
  if (units.empty()) return;
  mark(units, kZero);
  scale_marked(1.0, context.optimizer);
}

std::vector<double> HalfSpace::ranking(const std::vector<int32_t>& candidates) const {
  std::vector<double> out(marks().size(), kUnranked);
  for (int32_t unit : marked(kZero)) out[static_cast<size_t>(unit)] = -1.0;
  for (size_t i = 0; i < candidates.size(); ++i) out[static_cast<size_t>(candidates[i])] = static_cast<double>(i);
  return out;
}

std::vector<int32_t> HalfSpace::below_floors(const std::vector<int32_t>& candidates) const {
  SelectionLimits floors = removal().limits();
  floors.round_to = 1;  // single units become zero; the removal at the end rounds
  const std::vector<int32_t> zeros = marked(kZero);
  const auto count = static_cast<int64_t>(zeros.size() + candidates.size());
  std::vector<int32_t> out;
  for (int32_t unit : least_important(removal().groups(), ranking(candidates), count, floors))
    if (marks()[static_cast<size_t>(unit)] != kZero) out.push_back(unit);
  return out;
}

Hspg::Hspg(HspgConfig config, Job* job)
    : HalfSpace("prune.hspg", config, config, config.eps, {}, job), config_(config) {}

void Hspg::check(const HspgConfig& config, Job& job) {
  Removal(*job.model, config);
}

void Hspg::partition(const StepContext&, const UnitMoments&) {
  const DimGroups& groups = removal().groups();
  for (size_t g = 0; g < groups.groups.size(); ++g)
    if (removal().limits().allowed[g]) mark(groups.groups[g].units, kShrinking);
}

at::Tensor Hspg::strengths(const UnitMoments& moments) const {
  return at::ones_like(moments.xx) * config_.lambda;
}

std::vector<int32_t> Hspg::admit(std::vector<int32_t> candidates) const {
  return below_floors(candidates);
}

std::vector<int32_t> Hspg::conclude() {
  return removal().within_limits(marked(kZero));
}

std::vector<int32_t> Hspg::last_choice(const StepContext&) {
  const at::Tensor sizes = norms();  // the weights may be those of an earlier epoch
  std::vector<int32_t> zeros;
  for (int32_t unit : marked(kZero))
    if (sizes.const_data_ptr<double>()[unit] == 0.0) zeros.push_back(unit);
  return removal().within_limits(zeros);
}

Dhspg::Dhspg(DhspgConfig config, Job* job)
    : HalfSpace("prune.dhspg", config, config, config.eps, config.target, job), config_(config) {}

void Dhspg::check(const DhspgConfig& config, Job& job) {
  Removal(*job.model, config).check_reachable(config.target.resolved(&job));
}

void Dhspg::partition(const StepContext& context, const UnitMoments& m) {
  if (context.step != first()) return;
  const at::Tensor norm = m.xx.sqrt(), owns = m.sizes.gt(0).to(at::kDouble);
  const auto normalized = [](const at::Tensor& t) { return t / t.norm().clamp_min(kSafe); };
  const at::Tensor cosine = m.xg / (norm * m.gg.sqrt()).clamp_min(1e-12);
  const at::Tensor small = owns / (norm / m.sizes.clamp_min(1.0) + kSafe);
  const at::Tensor scores = -0.5 * (normalized(cosine) + normalized(small));
  const double* data = scores.const_data_ptr<double>();
  const std::vector<double> order(data, data + scores.numel());
  const auto [what, share] = target().only();
  std::vector<int32_t> penalised = removal().select(order, what, share);
  const auto more = static_cast<int64_t>(config_.tolerance * static_cast<double>(removal().allowed_units()));
  const auto extended =
      least_important(removal().groups(), order, static_cast<int64_t>(penalised.size()) + more, removal().limits());
  penalised.insert(penalised.end(), extended.begin(), extended.end());
  agree(penalised, context.communicator);
  mark(penalised, kShrinking);
}

at::Tensor Dhspg::strengths(const UnitMoments& m) const {
  const at::Tensor norm = m.xx.sqrt().clamp_min(kSafe),
                   toward = (-m.xg).clamp_min(0.0);  // > 0: the step makes the unit grow
  const at::Tensor low = toward / norm, high = m.gg * norm / toward.clamp_min(1e-30);
  const at::Tensor wanted = (low * config_.amplify).clamp(config_.lambda, config_.lambda * config_.bound);
  return wanted.where(wanted.le(high), (low + high) * 0.5);
}

bool Dhspg::reached(const std::vector<int32_t>& zeros) const {
  const auto [what, share] = target().only();
  return removal().remaining(what, removal().within_limits(zeros)) <= share;
}

std::vector<int32_t> Dhspg::admit(std::vector<int32_t> candidates) const {
  std::vector<int32_t> zeros = marked(kZero);
  if (reached(zeros)) return {};
  candidates = below_floors(candidates);
  std::vector<int32_t> all = zeros;
  all.insert(all.end(), candidates.begin(), candidates.end());
  if (!reached(all)) return candidates;
  const auto [what, share] = target().only();
  std::vector<int32_t> out;
  for (int32_t unit : removal().select(ranking(candidates), what, share))
    if (marks()[static_cast<size_t>(unit)] != kZero) out.push_back(unit);
  return out;
}

std::vector<int32_t> Dhspg::conclude() {
  const at::Tensor sizes = norms();
  const double* norm = sizes.const_data_ptr<double>();
  std::vector<double> scores(marks().size());
  for (size_t u = 0; u < scores.size(); ++u)
    scores[u] = marks()[u] == kZero ? -1.0 : marks()[u] == kShrinking ? norm[u] : kUnranked + norm[u];
  const auto [what, share] = target().only();
  return removal().select(scores, what, share);
}

std::vector<int32_t> Dhspg::last_choice(const StepContext& context) {
  std::vector<int32_t> out = conclude();
  agree(out, context.communicator);
  return out;
}

}  // namespace pare
