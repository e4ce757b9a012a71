#pragma once

#include "pruning/group_sparsity/group_sparsity.h"
#include "pruning/group_sparsity/saliency.h"

namespace pare {

/// Half-space projection (2004.03639, OTO 2107.07467), shared by HSPG and DHSPG. Each step subtracts
/// lr * lambda_u * x_u / (|x_u| + 1e-6) from the penalised units beside the optimizer's own step; within the span a
/// unit whose step from x to y leaves the half space <y, x> >= eps * |x|^2 becomes exactly zero and stays so.
class HalfSpace : public GroupSparsity {
 public:
  void before_step(Model& model, const StepContext& context) override;
  void after_step(Model& model, const StepContext& context) override;

 protected:
  HalfSpace(std::string name, RemovalLimits limits, SparsitySpan span, double eps, StructuredBudget target, Job* job);
  void begin(const StepContext& context) override;
  int64_t first() const { return first_; }

  /// Marks the penalised units (kShrinking); called in each step before the penalty.
  virtual void partition(const StepContext& context, const UnitMoments& moments) = 0;
  /// Penalty of each unit, [units] fp64; read for the penalised ones.
  virtual at::Tensor strengths(const UnitMoments& moments) const = 0;
  /// Those of `candidates` (most projected first) that may become zero now.
  virtual std::vector<int32_t> admit(std::vector<int32_t> candidates) const = 0;
  /// What is removed at the end of the span; it is set to zero.
  virtual std::vector<int32_t> conclude() = 0;

  /// `candidates` as far as the floors of the groups allow them beside the zero units.
  std::vector<int32_t> below_floors(const std::vector<int32_t>& candidates) const;
  /// Scores for selections: zero units first, then `candidates` in order, then the rest.
  std::vector<double> ranking(const std::vector<int32_t>& candidates) const;

 private:
  void project(const StepContext& context);
  SparsitySpan span_;
  double eps_ = 0.0;
  int64_t first_ = 0, last_ = 0;
  at::Tensor xx_;                             // of this step, before it
  std::map<std::string, at::Tensor> before_;  // weights before this step, within the span
};

struct HspgConfig : RemovalLimits, SparsitySpan {
  double lambda = 1e-3, eps = 0.0;
  template <class V>
  void fields(V& v) {
    SparsitySpan::fields(v);
    v("lambda", lambda, greater_than(0), "strength of the group penalty; from the stage's first step on");
    v("eps", eps, below(0, 1), "0: zero where a step crosses the half space; larger: sooner");
    RemovalLimits::fields(v);
  }
};

/// HSPG (2107.07467): every removable unit is penalised; how many become zero is the outcome of lambda and eps.
class Hspg final : public HalfSpace {
 public:
  Hspg(HspgConfig config, Job& job) : Hspg(std::move(config), &job) {}
  explicit Hspg(HspgConfig config) : Hspg(std::move(config), nullptr) {}
  static void check(const HspgConfig& config, Job& job);

 protected:
  void partition(const StepContext& context, const UnitMoments& moments) override;
  at::Tensor strengths(const UnitMoments& moments) const override;
  std::vector<int32_t> admit(std::vector<int32_t> candidates) const override;
  std::vector<int32_t> conclude() override;
  std::vector<int32_t> last_choice(const StepContext& context) override;

 private:
  Hspg(HspgConfig config, Job* job);
  HspgConfig config_;
};

struct DhspgConfig : RemovalLimits, SparsitySpan {
  StructuredBudget target;
  double lambda = 1e-3, amplify = 2.0, bound = 10.0, eps = 0.0, tolerance = 0.05;
  template <class V>
  void fields(V& v) {
    v("target", target, "what remains: one of macs, params, channels, latency");
    SparsitySpan::fields(v);
    v("lambda", lambda, greater_than(0), "least strength of the penalty (1e-3 for sgd, 1e-2 for adam)");
    v("amplify", amplify, at_least(1), "strength over what just stops a unit from growing (2 for sgd, 20 for adam)");
    v("bound", bound, at_least(1), "largest strength over the least (10 for sgd, 1000 for adam)");
    v("eps", eps, below(0, 1), "0: zero where a step crosses the half space; larger: sooner");
    v("tolerance", tolerance, between(0, 1), "share of the units that is penalised beyond those that the target needs");
    RemovalLimits::fields(v);
  }
};

/// DHSPG (2303.06862): at the start of the span the most redundant units, as many as the target needs and some more,
/// become the penalised ones, each with its own strength within bounds that keep the step a descent direction.
/// Projection stops where the target is reached; what is missing at the end of the span is taken from the smallest
/// penalised units.
class Dhspg final : public HalfSpace {
 public:
  Dhspg(DhspgConfig config, Job& job) : Dhspg(std::move(config), &job) {}
  explicit Dhspg(DhspgConfig config) : Dhspg(std::move(config), nullptr) {}
  static void check(const DhspgConfig& config, Job& job);

 protected:
  void partition(const StepContext& context, const UnitMoments& moments) override;
  at::Tensor strengths(const UnitMoments& moments) const override;
  std::vector<int32_t> admit(std::vector<int32_t> candidates) const override;
  std::vector<int32_t> conclude() override;
  std::vector<int32_t> last_choice(const StepContext& context) override;

 private:
  Dhspg(DhspgConfig config, Job* job);
  bool reached(const std::vector<int32_t>& zeros) const;
  DhspgConfig config_;
};

}  // namespace pare
