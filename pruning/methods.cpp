#include "pruning/methods.h"

#include "core/job/registry.h"
#include "pruning/admm/admm_magnitude.h"
#include "pruning/group_sparsity/half_space.h"
#include "pruning/group_sparsity/hesso_cric.h"
#include "pruning/magnitude/magnitude.h"
#include "pruning/pattern/pattern_admm.h"
#include "pruning/structured/structured.h"

namespace pare {

void register_pruning(Registry& registry) {
  registry.add_stage<MagnitudeStage, MagnitudeConfig>("prune.magnitude",
                                                      "zero the smallest weights: unstructured, n:m or block");
  registry.add_modifier<GradualMagnitude, GradualMagnitudeConfig>("prune.magnitude",
                                                                  "the same, gradually while training (1710.01878)");
  registry.add_modifier<AdmmMagnitude, AdmmMagnitudeConfig>(
      "prune.admm", "the sets of prune.magnitude, reached by ADMM (1804.03294)");
  registry.add_stage<PatternStage, PatternConfig>("prune.pattern",
                                                  "4 of 9 elements of 3x3 kernels, in a few patterns (2001.00138)");
  registry.add_modifier<PatternPruning, PatternModifierConfig>("prune.pattern",
                                                               "the same by ADMM while training, then masked");
  registry.add_stage<StructuredStage, StructuredConfig>("prune.structured",
                                                        "remove channels that no output needs, physically");
  registry.add_modifier<StructuredModifier, StructuredModifierConfig>("prune.structured",
                                                                      "the same, in the middle of training");
  registry.add_modifier<Hesso, HessoConfig>("prune.hesso",
                                            "train redundant channels to zero, then remove them (2409.09085)");
  registry.add_modifier<HessoCric, HessoCricConfig>(
      "prune.hesso_cric", "the same with trial projections that correct each choice (2409.09085)");
  registry.add_modifier<Dhspg, DhspgConfig>("prune.dhspg",
                                            "half-space projection of a targeted set of channels (2303.06862)");
  registry.add_modifier<Hspg, HspgConfig>("prune.hspg",
                                          "half-space projection of all channels, sparsity by lambda (2107.07467)");
}

}  // namespace pare
