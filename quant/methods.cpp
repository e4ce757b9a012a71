#include "quant/methods.h"

#include "core/job/registry.h"
#include "quant/ptq.h"

namespace pare {

void register_quant(Registry& registry) {
  registry.add_stage<PtqStage, PtqConfig>("quant.ptq", "post-training quantization to integers");
}

}  // namespace pare
