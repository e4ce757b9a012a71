#include "apps/builtin/builtin.h"

#include "core/job/stages/core_stages.h"
#include "distill/methods.h"
#include "pruning/methods.h"
#include "quant/methods.h"

namespace pare {

Registry builtin() {
  Registry registry;
  register_core_stages(registry);
  register_pruning(registry);
  register_quant(registry);
  register_distill(registry);
  return registry;
}

}  // namespace pare
