#include "distill/methods.h"

#include "core/job/registry.h"
#include "distill/kd.h"

namespace pare {

void register_distill(Registry& registry) {
  registry.add_modifier<Kd, KdConfig>("distill.kd", "logit distillation from a teacher (1503.02531)");
}

}  // namespace pare
