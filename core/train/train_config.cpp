#include "core/train/train_config.h"

namespace pare {

void TrainConfig::check(const ConfigMark& mark, const std::string& path) const {
  if (warmup > 0 && std::holds_alternative<OneCycleSchedule>(schedule))
    config_fail(mark, path + ".warmup", "one_cycle has its own warm-up; remove warmup");
  if (warmup > static_cast<double>(epochs))
    config_fail(mark, path + ".warmup", fmt("expected at most {} epochs, got {}", epochs, warmup));
  if (label_smoothing > 0 && loss != LossKind::kCrossEntropy)
    config_fail(mark, path + ".label_smoothing", fmt("only cross_entropy has it, loss is {}", enum_name(loss)));
  const auto* sgd = std::get_if<SgdConfig>(&optimizer);
  if (sgd && sgd->nesterov && sgd->momentum == 0)
    config_fail(mark, path + ".optimizer.sgd.nesterov", "Nesterov momentum needs momentum > 0");
}

}  // namespace pare
