#pragma once

#include <string>
#include <vector>

#include "core/job/open_job.h"
#include "core/job/registry.h"
#include "core/recipe/recipe.h"

namespace pare {

struct RunOptions {
  JobOptions job;
  std::string folder;          ///< of the run; "" for "runs/<name of the recipe>"
  bool fresh = false;          ///< drop what an earlier run left in the folder
  bool must_resume = false;    ///< refuse to start where no earlier run is
};

struct RunResult {
  std::string folder;
  std::string artifact;        ///< folder of the last export; "" when the recipe has none
  Json report;                 ///< what report.json holds
};

/// Runs a recipe. Everything is checked first: configs, stage order, layer names, files; then stages that an earlier run
/// finished under the same key are skipped, a half-done training stage is resumed, the others run. At the end the test
/// split is read once: the input model and the written model.pare are measured and the report is written.
/// Throws ConfigError, ModelError, DataError, IoError, VerifyError; whatever was finished before stays valid.
RunResult run(const Recipe& recipe, const Registry& registry, const RunOptions& options = {});

/// What every stage would do, without doing it. The same checks as `run`, no files written.
struct PlannedStage {
  std::string name;
  Json config;
  std::vector<std::string> lines;
};
struct JobPlan {
  std::vector<std::string> input;      ///< the model and the data
  std::vector<PlannedStage> stages;
  Json resolved_recipe;
};
JobPlan plan(const Recipe& recipe, const Registry& registry, const JobOptions& options = {});

}  // namespace pare
