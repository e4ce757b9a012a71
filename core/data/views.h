#pragma once

#include <vector>

#include "core/base/preprocess.h"
#include "core/data/data_config.h"
#include "core/data/dataset.h"

namespace pare {

/// The examples at `indices`, in that order. Throws ConfigError when an index is out of range.
DatasetPtr subset(DatasetPtr dataset, std::vector<int64_t> indices);

/// `count` examples drawn by `seed`, kept in their old order. Throws ConfigError when there are fewer.
struct HoldoutSplit {
  DatasetPtr rest;
  DatasetPtr holdout;
};
HoldoutSplit split_holdout(const DatasetPtr& dataset, int64_t count, uint64_t seed);

struct AugmentOptions {
  bool flip = false;      ///< mirror left-right with probability 1/2
  bool crop = false;      ///< pad by `pad`, then cut the old size at a uniform position
  int64_t pad = 4;        ///< pixels; with reflect smaller than the image
  Padding padding = Padding::kZero;
};
/// Augments kU8 [H,W,C] images from the example's own random stream.
DatasetPtr augment(DatasetPtr dataset, const AugmentOptions& options);

/// kU8 [H,W,C] images become the model's input (preprocess_image); kF32 inputs pass unchanged.
DatasetPtr normalise(DatasetPtr dataset, const Preprocess& preprocess);

/// Keeps examples in memory once they are read, up to `limit` bytes.
DatasetPtr cached(DatasetPtr dataset, int64_t limit);

/// Examples that lie in memory: `inputs` [N, ...], `labels` [N] integers or undefined. Rows are lent, not copied.
/// Throws DataError when the lengths differ.
DatasetPtr tensor_dataset(Tensor inputs, Tensor labels, std::vector<std::string> names = {});

}  // namespace pare
