#include "pruning/methods.h"

#include "core/job/registry.h"
#include "pruning/magnitude/magnitude.h"
#include "pruning/structured/structured.h"

namespace pare {

void register_pruning(Registry& registry) {
  registry.add_stage<MagnitudeStage, MagnitudeConfig>("prune.magnitude", "zero the smallest weights: unstructured, n:m or block");
  registry.add_modifier<GradualMagnitude, GradualMagnitudeConfig>("prune.magnitude", "the same, gradually while training (1710.01878)");
  registry.add_stage<StructuredStage, StructuredConfig>("prune.structured", "remove channels that no output needs, physically");
  registry.add_modifier<StructuredModifier, StructuredModifierConfig>("prune.structured", "the same, in the middle of training");
}

}  // namespace pare
