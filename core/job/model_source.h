#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/preprocess.h"
#include "core/job/registry.h"
#include "core/job/version.h"
#include "core/recipe/recipe.h"

namespace pare {

/// A model with what its file says about its input.
struct LoadedModel {
  std::unique_ptr<Model> model;
  Preprocess preprocess;             ///< mean empty when the source does not say
  bool has_preprocess = false;
  std::vector<std::string> labels;   ///< empty when the source does not say
  std::string key;                   ///< of the content, 16 hexadecimal digits
};

/// Loads what a recipe's `model` names; paths have been resolved already. Throws ConfigError, IoError or ModelError.
LoadedModel load_model(const ModelConfig& config, const Registry& registry);

/// A model file of any kind by its name and content: .pare, .onnx, .pt2, or a checkpoint.
LoadedModel load_model_file(const std::string& path, const Registry& registry);

/// Size of the last dimension of the first output, or 0 when it is not a number.
int64_t output_classes(const Graph& graph);

}  // namespace pare
