#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/job/registry.h"
#include "core/train/admm.h"
#include "core/train/modifier.h"

namespace pare {

/// What the methods that pull weights to constraint sets share. ADMM runs from the stage's first step until `epochs` have
/// passed or the residual stalls; then the weights are projected for good, and the rest of the stage trains what the
/// masks left. A method says which weights, which sets, and how it projects.
class AdmmPruning : public Modifier {
 public:
  AdmmPruning(std::string name, AdmmConfig config, Job* job);
  std::string holder() const override { return name_; }
  void start(Model& model, const StepContext& context) override;
  void before_step(Model& model, const StepContext& context) override;
  void after_step(Model& model, const StepContext& context) override;
  void finish(Model& model, const StepContext& context) override;
  std::map<std::string, at::Tensor> state() const override;
  void load_state(const std::map<std::string, at::Tensor>& state) override;
  bool settled() const override { return done_; }
  std::string status() const override;
  void check_remap(const Remap& remap) const override;
  /// The weights are projected.
  bool done() const { return done_; }
  /// Null before the first step and when nothing but the projection was asked for.
  const Admm* admm() const { return admm_ ? &*admm_ : nullptr; }

 protected:
  /// Names of the weights, one a layer; remembers what `sets` and `project` need. Called at the start.
  virtual std::vector<std::string> prepare(Model& model) = 0;
  virtual std::vector<ConstraintSet> sets() = 0;
  /// Hard masks for all sets at once; returns what the report shows.
  virtual Json project(Model& model) = 0;
  /// What `prepare` found that a later model would not show again, and back.
  virtual std::map<std::string, at::Tensor> prepared() const { return {}; }
  virtual std::vector<std::string> prepare_again(Model& model, const std::map<std::string, at::Tensor>& saved) = 0;

 private:
  int64_t due(int64_t update) const { return update * last_ / updates_; }
  void set_up(std::vector<std::string> weights);
  void project_now(Model& model);

  std::string name_;
  AdmmConfig config_;
  Job* job_;
  Model* model_ = nullptr;
  int64_t last_ = 0, updates_ = 1;   // ADMM takes the steps before `last_`
  std::optional<Admm> admm_;
  std::optional<Json> report_;
  bool done_ = false;
};

}  // namespace pare
