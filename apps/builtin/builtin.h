#pragma once

#include "core/job/registry.h"

namespace pare {

/// Everything that ships with pare, ready to be added to:
///
///   Registry registry = builtin();
///   registry.add_modifier<MyPenalty, MyConfig>("my.penalty", "what it does");
///   run(load_recipe("recipe.yaml"), registry);
///
/// The stages train, eval and export, and the methods of pruning, quantization and distillation. Each call makes a
/// fresh value; nothing is shared between two registries.
Registry builtin();

}  // namespace pare
