#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/config.h"
#include "core/model/model.h"

namespace pare {

/// How long and how firmly weights are pulled to their constraint sets.
struct AdmmConfig {
  double epochs = -1.0;
  int64_t updates = 10;
  double rho = 0.01, rho_growth = 1.3, rho_max = 0.3;
  int64_t patience = 3;
  double tolerance = 0.01;
  template <class V>
  void fields(V& v) {
    v("epochs", epochs, at_least(-1), "until the hard projection, in epochs of this stage; -1: half of it; 0: straight projection");
    v("updates", updates, at_least(1), "projections in this time; the dual variables move with each");
    v("rho", rho, greater_than(0), "pull towards the sets at the start");
    v("rho_growth", rho_growth, at_least(1), "factor on rho behind each update");
    v("rho_max", rho_max, greater_than(0), "where rho stops growing");
    v("patience", patience, at_least(0), "updates without progress before the hard projection comes early; 0: never");
    v("tolerance", tolerance, at_least(0), "relative fall of the primal residual that counts as progress");
  }
};

/// A set that the weights, all together, are to lie in.
struct ConstraintSet {
  std::string name;
  /// Euclidean projection: one tensor a weight, new storage.
  std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>& weights)> project;
};

/// Distances at one update, largest over the sets and relative to the norm of the weights.
struct AdmmResiduals {
  double rho = 0.0;     ///< in force before the update
  double primal = 0.0;  ///< |W - Z|
  double dual = 0.0;    ///< |Z - earlier Z|
};

/// Alternating direction method of multipliers over raw weights, in scaled form, with an auxiliary and a dual variable
/// for each set: minimises loss + sum over sets of rho/2 |W - Z + U|^2 by gradient steps on W, then Z = project(W + U),
/// U += W - Z (Boyd et al. 2011; for pruning 1804.03294). When rho grows, U shrinks by the same factor, so that the
/// unscaled dual rho U goes on.
class Admm {
 public:
  Admm(AdmmConfig config, std::vector<std::string> weights, std::vector<ConstraintSet> sets);
  /// Z = project(W), U = 0.
  void start(Model& model);
  /// Adds the penalty's gradient, rho * (W - Z + U) of all sets, to the gradients of the weights.
  void add_gradients(Model& model) const;
  /// One update of all Z and U; the residuals join `history`.
  void update(Model& model);
  /// No progress for `patience` updates.
  bool stalled() const;
  double rho() const { return rho_; }
  const std::vector<AdmmResiduals>& history() const { return history_; }
  /// Everything that an exact continuation needs, by name.
  std::map<std::string, at::Tensor> state() const;
  void load_state(const std::map<std::string, at::Tensor>& state);

 private:
  struct Pair {
    std::vector<at::Tensor> z, u;  // by weight
  };
  std::vector<at::Tensor> values(Model& model) const;

  AdmmConfig config_;
  std::vector<std::string> weights_;
  std::vector<ConstraintSet> sets_;
  std::vector<Pair> pairs_;  // by set
  double rho_ = 0.0;
  std::vector<AdmmResiduals> history_;
};

}  // namespace pare
