#pragma once

#include <string>
#include <vector>

#include "core/base/config_read.h"
#include "core/base/config_write.h"

namespace pare {

inline constexpr int64_t kRecipeVersion = 1;  ///< `pare: 1`

/// Which deployment the placement of quantizers is made for.
enum class Target { kOrt, kTrt, kNcnn, kPare };
template <>
struct EnumNames<Target> {
  static constexpr std::pair<Target, const char*> kNames[] = {
      {Target::kOrt, "ort"}, {Target::kTrt, "trt"}, {Target::kNcnn, "ncnn"}, {Target::kPare, "pare"}};
};

/// Where a model comes from: exactly one of `zoo`, `pare`, `onnx`, `pt2`, `torchscript` and `checkpoint`.
struct ModelConfig {
  std::string zoo, pare, onnx, pt2, torchscript, checkpoint;
  std::vector<std::string> input;
  std::string weights;
  int64_t classes = 0, channels = 0, image_size = 0;
  int64_t seed = 0;
  template <class V> void fields(V& v) {
    v("zoo", zoo, "a built-in architecture, e.g. resnet20 (`pare methods --zoo` lists them)");
    v("pare", pare, "path of a .pare file");
    v("onnx", onnx, "path of an ONNX file");
    v("pt2", pt2, "path of a torch.export archive");
    v("torchscript", torchscript, "path of a file that torch.jit.save wrote; libtorch runs code that it holds");
    v("input", input, "of a torchscript model: shapes to follow it with, e.g. [1x3x224x224], integers as 1x128:i64; empty: as it was traced");
    v("checkpoint", checkpoint, "path of a checkpoint that a run left");
    v("weights", weights, "path of safetensors or PyTorch .pth weights, loaded by name; empty: as stored, or random for zoo");
    v("classes", classes, at_least(0), "outputs of a zoo model; 0: its own default");
    v("channels", channels, between(0, 64), "of a zoo model's input image; 0: its own default");
    v("image_size", image_size, between(0, 1024), "height and width of a zoo model's input; 0: its own default");
    v("seed", seed, at_least(0), "of a zoo model's random initial weights");
  }
  /// Exactly one source. Throws ConfigError.
  void check(const ConfigMark& mark, const std::string& path) const;
};

/// Data sets, typed by core/data (DataConfig). Null where the recipe gives none.
struct DataSection {
  ConfigNode train, eval;
  template <class V> void fields(V& v) {
    v("train", train, "training images; observers and choices use its held-out part");
    v("eval", eval, "test images, read once, at the end");
  }
};

/// One entry of `stages`: a name of the registry and its untyped config.
struct StageSpec {
  std::string name;
  ConfigNode config;
  ConfigMark mark;
  std::string path;  ///< "stages[1].quant.ptq", for messages
};

/// A recipe as read: the frame is typed, stages and data sets are typed later by their owners.
struct Recipe {
  int64_t pare = 0;
  std::string name;
  int64_t seed = 0;
  Target target = Target::kOrt;
  ModelConfig model;
  DataSection data;
  std::vector<ConfigNode> stages;
  template <class V> void fields(V& v) {
    v("pare", pare, any_number(), "version of the recipe language: 1");
    v("name", name, "of the run; letters, digits, '-', '_' and '.'");
    v("seed", seed, at_least(0), "every random stream comes from it");
    v("target", target, "deployment that quantizers are placed for");
    v("model", model, "what to compress");
    v("data", data, "images");
    v("stages", stages, "what to do, in order: a list of one-key maps, see `pare methods`");
  }
  void check(const ConfigMark& mark, const std::string& path) const;

  std::vector<StageSpec> specs() const;
  /// Relative paths of the recipe stand against its own folder.
  std::string resolve(const std::string& relative) const;

  std::string folder;  ///< of the recipe file; "" for the working folder
  ConfigNode source;   ///< the untyped tree after overrides
};

/// From a tree; throws ConfigError with positions.
Recipe read_recipe(const ConfigNode& root, const std::string& folder = "");
/// From a file, with `key=value` overrides (core/recipe/overrides.h). Throws IoError or ConfigError.
Recipe load_recipe(const std::string& path, const std::vector<std::string>& overrides = {});

}  // namespace pare
