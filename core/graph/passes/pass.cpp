#include "core/graph/passes/pass.h"

#include <algorithm>
#include <chrono>

#include "core/graph/passes/fold_batch_norm.h"
#include "core/graph/passes/fold_constants.h"
#include "core/graph/passes/remove_dead.h"
#include "core/graph/passes/remove_identity.h"

namespace pare {
namespace {

void check_skips(const std::vector<Pass>& passes, const std::vector<std::string>& skip) {
  std::vector<std::string> names;
  for (const auto& pass : passes) names.push_back(pass.name);
  for (const auto& name : skip)
    PARE_CHECK(std::find(names.begin(), names.end(), name) != names.end(), ConfigError,
               "[passes] no pass \"{}\" to skip.{} Passes: {}.", name, did_you_mean(name, names), join(names, ", "));
}

Remap run_one(const Pass& pass, GraphWithConstants& model, const OpTable& ops) {
  try {
    const Remap remap = pass.run(model, ops);
    infer_shapes(model.graph, model.constants, ops);
    verify(model.graph, model.constants, ops);
    return remap;
  } catch (const ModelError& error) {
    throw ModelError(fmt("[pass {}] {}", pass.name, error.what()));
  }
}

}  // namespace

PassResult run_passes(GraphWithConstants& model, const OpTable& ops, const std::vector<Pass>& passes,
                      const std::vector<std::string>& skip) {
  check_skips(passes, skip);
  PassResult out;
  GraphWithConstants work = model;
  for (const auto& pass : passes) {
    PassTiming timing{.name = pass.name, .nodes_before = static_cast<int64_t>(work.graph.order().size())};
    timing.skipped = std::find(skip.begin(), skip.end(), pass.name) != skip.end();
    const auto start = std::chrono::steady_clock::now();
    if (!timing.skipped) out.remap = compose(out.remap, run_one(pass, work, ops));
    timing.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    timing.nodes_after = static_cast<int64_t>(work.graph.order().size());
    out.timings.push_back(timing);
  }
  model = std::move(work);
  return out;
}

std::vector<Pass> inference_passes() {
  return {
      {"remove_identity", [](GraphWithConstants& model, const OpTable&) { return remove_identity(model, {.dropout = true}); }},
      {"fold_batch_norm", [](GraphWithConstants& model, const OpTable&) { return fold_batch_norm(model); }},
      {"fold_shapes", [](GraphWithConstants& model, const OpTable& ops) { return fold_constants(model, ops); }},
      {"remove_dead", [](GraphWithConstants& model, const OpTable&) { return remove_dead(model); }},
  };
}

}  // namespace pare
