#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/base/tensor.h"

namespace pare {

/// One decoded example. Images: kU8 [H,W,C] before `normalize`, kF32 [C,H,W] after it.
struct Example {
  Tensor input;
  int64_t label = -1;   ///< -1: none
};

/// A random-access set of examples; views wrap each other (subset, augment, normalise). Thread-safe `get`.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  /// `rng` is keyed by (seed, stage, purpose, epoch, sample); views draw from forks of it.
  /// Throws DataError naming the file when an example is missing or corrupt.
  virtual Example get(int64_t index, Rng rng) const = 0;
  /// Class names in label order; empty when there are none.
  virtual std::vector<std::string> labels() const { return {}; }
  /// Changes when the content changes (names, sizes, times): part of a stage's key.
  virtual uint64_t fingerprint() const = 0;
};
using DatasetPtr = std::shared_ptr<const Dataset>;

}  // namespace pare
