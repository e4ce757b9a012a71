#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/graph/op.h"
#include "core/graph/remap.h"

namespace pare {

/// A named rewrite of a graph and its constants; returns what became of the parameters.
struct Pass {
  std::string name;
  std::function<Remap(GraphWithConstants&, const OpTable&)> run;
};

struct PassTiming {
  std::string name;
  bool skipped = false;
  double seconds = 0;
  int64_t nodes_before = 0, nodes_after = 0;
};

struct PassResult {
  Remap remap;                      ///< of all passes together
  std::vector<PassTiming> timings;  ///< one a pass
};

/// Runs the passes in order; after each one shapes are inferred and the graph is verified. `skip` names passes to leave
/// out: ConfigError when there is no such pass. A failing pass is a ModelError naming it and leaves `model` as it was.
PassResult run_passes(GraphWithConstants& model, const OpTable& ops, const std::vector<Pass>& passes,
                      const std::vector<std::string>& skip = {});

/// What every deployed graph goes through: remove_identity (Dropout too), fold_batch_norm, fold_shapes, remove_dead.
std::vector<Pass> inference_passes();

}  // namespace pare
