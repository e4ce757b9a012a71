#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/base/config_write.h"
#include "core/data/dataset.h"
#include "core/recipe/selector.h"
#include "pruning/criteria/criterion.h"

namespace pare {

struct SensitivityConfig {
  CriterionConfig criterion = NormCriterion{};
  std::vector<double> shares = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
  Selector ignore;
  bool inexact = false;
  int64_t batch_size = 128;
  template <class V>
  void fields(V& v) {
    v("criterion", criterion, "importance of a unit: norm, taylor, hessian, bn_scale, fpgm or random");
    v("shares", shares, "of a group's units to remove, ascending");
    v("ignore", ignore, "layers whose output channels stay");
    v("inexact", inexact, "also groups whose removal differs from zeroing (LayerNorm, softmax)");
    v("batch_size", batch_size, at_least(1), "images a forward");
  }
  /// Throws ConfigError unless the shares ascend within (0, 1].
  void check() const;
};

/// The model with the least important units of one group removed.
struct SensitivityPoint {
  double share = 0.0;         ///< of the group's units that is gone
  int64_t units_removed = 0;
  double params = 1.0, macs = 1.0;  ///< what remains of the whole model
  double top1 = 0.0, loss = 0.0;    ///< loss in nats
};

struct SensitivityCurve {
  std::string group;
  int64_t units = 0;
  std::vector<std::string> layers;       ///< parameters that make the group's units
  std::vector<SensitivityPoint> points;  ///< by share; those that remove as many units as the one before are left out
};

struct Sensitivity {
  int64_t images = 0;
  double top1 = 0.0, loss = 0.0;  ///< of the whole model
  std::vector<SensitivityCurve> curves;
};

/// How accuracy falls when each group alone loses its least important units, without any training: which layers a
/// uniform target would hurt. Units are zeroed, which equals removing them; all points of a group share one forward up to
/// the first layer that it touches. `done`: curves of an earlier, stopped run, which are not measured again. `progress`
/// gets the result so far and the number of groups after each curve. The model stays as it is.
/// Throws ConfigError for a model without removable units and for data without labels.
Sensitivity measure_sensitivity(Model& model, const SensitivityConfig& config, const DatasetPtr& data, int threads,
                                const GradientPasses& passes = {}, std::vector<SensitivityCurve> done = {},
                                const std::function<void(const Sensitivity&, size_t groups)>& progress = {});

/// Largest share up to which no point loses more than `drop` of top-1 accuracy (0.01 = a percentage point); 0: none.
double share_within(const Sensitivity& all, const SensitivityCurve& curve, double drop);

Json to_json(const Sensitivity& sensitivity);
/// Inverse of to_json; throws ModelError for anything else.
Sensitivity sensitivity_from(const Json& json);
/// A page that needs nothing beside it: one curve a group and a table.
std::string sensitivity_html(const std::string& title, const Sensitivity& sensitivity);

}  // namespace pare
