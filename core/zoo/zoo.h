#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/config.h"
#include "core/graph/graph.h"

namespace pare {

/// How a built-in model is built. Zero means the model's own default.
struct ZooOptions {
  int64_t classes = 0;
  int64_t channels = 0;
  int64_t image_size = 0;
  int64_t sequence = 128;
  int64_t vocabulary = 30522;
  int64_t seed = 0;
  bool initialise = true;  ///< false leaves every constant zero, for programs that load weights or only count
  template <class V>
  void fields(V& v) {
    v("classes", classes, between(0, 1 << 20), "outputs of the last layer; 0: 10, 1000 for ImageNet models at their size, 2 for text");
    v("channels", channels, between(0, 64), "channels of the input image; 0: 3, or 1 for mlp and lenet5");
    v("image_size", image_size, between(0, 1024), "height and width in pixels; up to 64 gives the small-image stem");
    v("sequence", sequence, between(1, 512), "tokens of a text model");
    v("vocabulary", vocabulary, between(1, 1 << 20), "token ids of a text model");
    v("seed", seed, at_least(0), "of the initial weights");
    v("initialise", initialise, "false leaves the weights zero");
  }
};

struct ZooEntry {
  std::string name;
  std::string description;
};

/// All built-in models.
std::vector<ZooEntry> zoo_models();

/// Builds a model: batch is the symbol "N", shapes are inferred, names follow torchvision where it has the model.
/// Weights depend only on the seed and each parameter's name. Throws ConfigError for an unknown name (with the nearest
/// ones) and for options that the model cannot take.
GraphWithConstants zoo(const std::string& name, const ZooOptions& options = {});

}  // namespace pare
