#pragma once

#include <memory>

#include "core/job/job.h"
#include "core/job/registry.h"
#include "core/recipe/recipe.h"

namespace pare {

struct JobOptions {
  std::string device = "cpu";   ///< "cpu", "cuda" or "cuda:N"
  int threads = 1;
  ReportSink sink;
  bool with_data = true;        ///< false leaves the data sets closed
};

/// A job with the recipe's model and data, ready for its first stage; `registry` must outlive it. Paths are resolved
/// against the recipe's folder. Throws ConfigError, IoError, ModelError, or DataError when data and model do not fit.
std::unique_ptr<Job> open_job(const Recipe& recipe, const Registry& registry, const JobOptions& options);

/// Key of everything that the first stage starts from: model, data, target, seed and the version of pare.
std::string input_key(const Job& job, const Recipe& recipe);

}  // namespace pare
