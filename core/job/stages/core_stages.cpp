#include "core/job/stages/core_stages.h"

#include "core/job/registry.h"
#include "core/job/stages/eval_stage.h"
#include "core/job/stages/export_stage.h"
#include "core/job/stages/train_stage.h"

namespace pare {

void register_core_stages(Registry& registry) {
  registry.add_stage<TrainStage, TrainStageConfig>("train", "trains the model; `with` lists what is active meanwhile");
  registry.add_stage<EvalStage, EvalStageConfig>("eval", "measures the model on held-out training images");
  registry.add_stage<ExportStage, ExportConfig>("export", "freezes a copy, writes it and verifies what was written");
}

}  // namespace pare
