#pragma once

#include "core/graph/passes/pass.h"
#include "core/model/model.h"

namespace pare {

/// Runs graph passes on a model: on copies first, then by `adopt`, so that chains and listeners follow. What the passes
/// compute (a folded BatchNorm) is computed from raw parameters; masks stay on the merged parameter. Throws ModelError
/// and leaves the model as it was when a pass fails or a link cannot follow.
PassResult rewrite(Model& model, const std::vector<Pass>& passes, const std::vector<std::string>& skip = {});

}  // namespace pare
