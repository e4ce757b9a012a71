#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/config.h"
#include "core/base/preprocess.h"
#include "core/data/dataset.h"

namespace pare {

enum class Augmentation { kFlip, kCrop };
template <>
struct EnumNames<Augmentation> {
  static constexpr std::pair<Augmentation, const char*> kNames[] = {{Augmentation::kFlip, "flip"},
                                                                    {Augmentation::kCrop, "crop"}};
};
enum class Padding { kZero, kReflect };
template <>
struct EnumNames<Padding> {
  static constexpr std::pair<Padding, const char*> kNames[] = {{Padding::kZero, "zero"}, {Padding::kReflect, "reflect"}};
};

/// One data set of a recipe. Exactly one of `images`, `idx`, `cifar` and `tensors` is given; "{split}" in a path is
/// replaced by `split`.
struct DataConfig {
  std::string images;    ///< folder, .tar or .tar.gz with <root>/<split>/<class>/*.{jpg,jpeg,png}
  std::string idx;       ///< folder with MNIST's four files, plain or .gz
  std::string cifar;     ///< folder with CIFAR-10's or CIFAR-100's binary batches
  std::string tensors;   ///< .safetensors with `inputs` and `labels`, or .npy of inputs
  std::string labels;    ///< .npy of labels beside a .npy of inputs
  std::string split = "train";
  std::vector<Augmentation> augment;
  int64_t pad = 4;
  Padding padding = Padding::kZero;
  int64_t holdout = 0;
  int64_t limit = 0;
  int64_t channels = 0;
  std::vector<int64_t> size;
  std::vector<double> mean, std;
  int64_t cache_limit = 1000;
  template <class V> void fields(V& v) {
    v("images", images, "image folder, .tar or .tar.gz with <root>/<split>/<class>/*.jpg or *.png");
    v("idx", idx, "folder with the four MNIST files, plain or .gz");
    v("cifar", cifar, "folder with the binary batches of CIFAR-10 or CIFAR-100");
    v("tensors", tensors, ".safetensors with `inputs` and `labels`, or .npy of inputs");
    v("labels", labels, ".npy of labels, beside `tensors` as .npy");
    v("split", split, "train, test or another folder name; replaces {split} in the path");
    v("augment", augment, "flip (left-right, half of the images), crop (random, after padding)");
    v("pad", pad, at_least(0), "pixels added on each side before crop");
    v("padding", padding, "what crop pads with: zero or reflect");
    v("holdout", holdout, at_least(0), "examples set aside, drawn by the seed, for calibration and choices");
    v("limit", limit, at_least(0), "use that many examples, drawn by the seed; 0: all");
    v("channels", channels, between(0, 3), "1 = grey, 3 = RGB; 0: 3 for images, as stored otherwise");
    v("size", size, at_least(1), "[height, width] to resize to; empty: as stored");
    v("mean", mean, "per channel, pixels scaled to [0,1]; empty: ImageNet's for RGB, 0 for grey");
    v("std", std, "per channel, pixels scaled to [0,1]; empty: ImageNet's for RGB, 1 for grey");
    v("cache_limit", cache_limit, at_least(0), "megabytes of decoded or packed images kept in memory");
  }
  /// Cross-field checks; called by the recipe reader. Throws ConfigError.
  void check(const ConfigMark& mark, const std::string& path) const;
};

/// The stored examples without augmentation and normalisation: images kU8 [H,W,C], other tensors as they are.
/// Decoded images are kept in memory up to the cache limit. `limit` and `holdout` are not applied.
/// Throws ConfigError for a config that `check` refuses, DataError naming the file otherwise.
DatasetPtr open_dataset(const DataConfig& config);

/// The views that training wants, all kF32 and normalised; they share one cache.
struct DataViews {
  DatasetPtr augmented;    ///< held-out examples removed
  DatasetPtr plain;        ///< the same examples without augmentation
  DatasetPtr holdout;      ///< the held-out examples without augmentation; null when holdout is 0
  Preprocess preprocess;   ///< what was applied (height and width are the first image's when all are resized to one size)
};
/// `seed` decides which examples are held out and which `limit` keeps.
DataViews open_views(const DataConfig& config, uint64_t seed);

}  // namespace pare
