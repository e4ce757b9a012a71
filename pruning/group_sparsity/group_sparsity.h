#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/train/modifier.h"
#include "pruning/group_sparsity/unit_table.h"
#include "pruning/structured/removal.h"

namespace pare {

class Job;

/// When groups are made sparse, in epochs of the training stage; the rest of it trains the smaller model.
struct SparsitySpan {
  double start_epoch = 0.0, end_epoch = -1.0;
  template <class V>
  void fields(V& v) {
    v("start_epoch", start_epoch, at_least(0), "plain training before it, in epochs of this stage");
    v("end_epoch", end_epoch, at_least(-1), "the target is reached, in epochs; -1: half of the stage");
  }
};

/// Base of the methods that train units to zero (the OTO family: 2107.07467, 2303.06862, 2409.09085) with any
/// optimizer. It knows which unit is in which state, holds zeros at zero (weights and optimizer state), and removes
/// them losslessly as soon as the method is done. Units of frozen, ignored or inexact groups are trained as always.
class GroupSparsity : public Modifier {
 public:
  enum State : int8_t { kTrained = 0, kShrinking = 1, kZero = 2 };

  /// `target` is empty for methods that have none. `job` may be null (own training loops).
  GroupSparsity(std::string name, RemovalLimits limits, StructuredBudget target, Job* job);

  std::string holder() const override { return name_; }
  /// Throws ConfigError when the target cannot be reached or the stage is too short.
  void start(Model& model, const StepContext& context) override;
  at::Tensor loss(Model& model, const LossContext& context, at::Tensor loss_so_far) override;
  /// Removes what is left to remove: after a stage that ended early, too.
  void finish(Model& model, const StepContext& context) override;
  void check_remap(const Remap& remap) const override;
  std::map<std::string, at::Tensor> state() const override;
  void load_state(const std::map<std::string, at::Tensor>& state) override;
  bool settled() const override { return done_; }
  std::string status() const override;

  /// The units are gone (or there were none to remove).
  bool done() const { return done_; }
  /// What was removed; empty before `done`.
  const std::optional<StructuredReport>& report() const { return report_; }
  /// State by unit, indices as in the model's DimGroups; empty after `done`.
  const std::vector<int8_t>& marks() const { return marks_; }

 protected:
  const Removal& removal() const { return *removal_; }
  const UnitTable& table() const { return *table_; }
  const StructuredBudget& target() const { return target_; }
  Model& model() const { return *model_; }
  /// Raises the state of units; it never falls.
  void mark(const std::vector<int32_t>& units, State state);
  /// What a method with a target removes: those that are marked first (zero before shrinking), then by ascending score.
  std::vector<int32_t> choose(const std::vector<double>& scores, double share, Communicator* communicator) const;
  std::vector<int32_t> marked(State state) const;

  /// Raw parameters and their gradients (zeros where there are none) for UnitTable.
  UnitTable::TensorOf values() const;
  UnitTable::TensorOf gradients() const;
  /// Euclidean norm of each unit, [units] fp64.
  at::Tensor norms() const;
  /// Sets zero units (and their optimizer state) to zero, scales shrinking ones.
  void scale_marked(double shrinking, Optimizer* optimizer);
  /// Takes the units out of the model; all of them must be zero.
  void remove(const std::vector<int32_t>& units);
  /// The units to remove when training ends before the method has; they are set to zero.
  virtual std::vector<int32_t> last_choice(const StepContext& context) = 0;
  /// Called once the analysis stands, at the start and on resume.
  virtual void begin(const StepContext& context) { (void)context; }

 private:
  void analyse_model();
  std::string name_;
  RemovalLimits limits_;
  StructuredBudget target_;
  Job* job_ = nullptr;
  Model* model_ = nullptr;
  std::unique_ptr<Removal> removal_;
  std::unique_ptr<UnitTable> table_;
  std::vector<int8_t> marks_;
  std::vector<at::Tensor> probe_;  // this step's inputs
  std::optional<StructuredReport> report_;
  bool done_ = false, removing_ = false;
};

/// First step of a span and the one behind its last. Throws ConfigError when the stage has fewer than `least` steps
/// there.
std::pair<int64_t, int64_t> steps_of(const SparsitySpan& span, const StepContext& context, int64_t least,
                                     const std::string& name);

}  // namespace pare
