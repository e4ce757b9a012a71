#include "core/data/data_config.h"

#include <algorithm>
#include <numeric>

#include "core/base/error.h"
#include "core/data/cifar.h"
#include "core/data/idx.h"
#include "core/data/image_folder.h"
#include "core/data/tensor_file.h"
#include "core/data/views.h"

namespace pare {
namespace {

constexpr int64_t kMegabyte = 1'000'000;
const std::vector<double> kImageNetMean = {0.485, 0.456, 0.406};
const std::vector<double> kImageNetStd = {0.229, 0.224, 0.225};

std::string with_split(std::string path, const std::string& split) {
  const std::string hole = "{split}";
  for (size_t at = path.find(hole); at != std::string::npos; at = path.find(hole, at + split.size()))
    path.replace(at, hole.size(), split);
  return path;
}

DatasetPtr open_tensors(const DataConfig& config) {
  const std::string path = with_split(config.tensors, config.split);
  if (path.ends_with(".npy")) {
    const Tensor labels = config.labels.empty() ? Tensor() : read_npy(with_split(config.labels, config.split));
    return tensor_dataset(read_npy(path), labels);
  }
  auto tensors = read_tensors(path);
  PARE_CHECK(tensors.count("inputs"), DataError, "[data] expected a tensor `inputs` ({})", path);
  return tensor_dataset(tensors["inputs"], tensors.count("labels") ? tensors["labels"] : Tensor());
}

int64_t stored_channels(const DataConfig& config, const Tensor& first) {
  if (config.channels > 0) return config.channels;
  return first.dtype() == DType::kU8 && first.rank() == 3 ? first.dim(2) : 3;
}

Preprocess preprocess_of(const DataConfig& config, const Tensor& first) {
  Preprocess out;
  out.channels = stored_channels(config, first);
  const bool image = first.dtype() == DType::kU8 && first.rank() == 3;
  if (!config.size.empty()) {
    out.height = config.size[0];
    out.width = config.size[1];
  } else if (image) {
    out.height = first.dim(0);
    out.width = first.dim(1);
  }
  const bool rgb = out.channels == 3;
  out.mean = config.mean.empty() && rgb ? kImageNetMean : config.mean;
  out.std = config.std.empty() && rgb ? kImageNetStd : config.std;
  return out;
}

}  // namespace

void DataConfig::check(const ConfigMark& mark, const std::string& path) const {
  const int sources = !images.empty() + !idx.empty() + !cifar.empty() + !tensors.empty();
  if (sources != 1) config_fail(mark, path, fmt("expected exactly one of images, idx, cifar, tensors, got {}", sources));
  if (!size.empty() && size.size() != 2) config_fail(mark, path + ".size", "expected [height, width]");
  if (!labels.empty() && !tensors.ends_with(".npy"))
    config_fail(mark, path + ".labels", "expected beside `tensors` with a .npy file");
  if (channels == 2) config_fail(mark, path + ".channels", "expected 1 or 3, got 2");
  for (const auto* values : {&mean, &std}) {
    const auto count = static_cast<int64_t>(values->size());
    if (count != 0 && count != 1 && count != 3)
      config_fail(mark, path, fmt("expected 1 or 3 values of mean and std, got {}", count));
  }
  for (double value : std)
    if (!(value > 0)) config_fail(mark, path + ".std", fmt("expected > 0, got {}", value));
}

DatasetPtr open_dataset(const DataConfig& config) {
  config.check({}, "data");
  if (config.idx.size()) return idx_dataset(with_split(config.idx, config.split), config.split);
  if (config.cifar.size()) return cifar_dataset(with_split(config.cifar, config.split), config.split);
  if (config.tensors.size()) return open_tensors(config);
  const int64_t limit = config.cache_limit * kMegabyte;
  return cached(image_folder(with_split(config.images, config.split), config.split,
                             config.channels > 0 ? config.channels : 3, limit), limit);
}

DataViews open_views(const DataConfig& config, uint64_t seed) {
  DatasetPtr stored = open_dataset(config);
  PARE_CHECK(stored->size() > 0, DataError, "[data] expected at least one example, got none");
  if (config.limit > 0 && config.limit < stored->size()) stored = split_holdout(stored, config.limit, seed ^ hash64("limit")).holdout;
  DataViews out;
  out.preprocess = preprocess_of(config, stored->get(0, Rng(seed)).input);
  if (config.holdout > 0) {
    PARE_CHECK(config.holdout < stored->size(), ConfigError, "[data] expected a holdout below {} examples, got {}",
               stored->size(), config.holdout);
    const HoldoutSplit split = split_holdout(stored, config.holdout, seed);
    stored = split.rest;
    out.holdout = normalise(split.holdout, out.preprocess);
  }
  out.plain = normalise(stored, out.preprocess);
  AugmentOptions options{.pad = config.pad, .padding = config.padding};
  for (Augmentation a : config.augment) (a == Augmentation::kFlip ? options.flip : options.crop) = true;
  out.augmented = options.flip || options.crop ? normalise(augment(stored, options), out.preprocess) : out.plain;
  return out;
}

}  // namespace pare
