#pragma once

#include <functional>
#include <memory>

#include "core/data/dataset.h"

namespace pare {

struct Batch {
  Tensor inputs;                 ///< kF32 [N, ...]
  Tensor labels;                 ///< kI64 [N]
  std::vector<int64_t> indices;  ///< data set index of each row
};

struct LoaderOptions {
  int64_t batch_size = 128;   ///< examples a batch on this rank
  bool shuffle = false;
  bool drop_last = false;
  uint64_t seed = 0;          ///< with stage and epoch decides order and augmentation, whatever the thread count
  int64_t rank = 0, ranks = 1;
  int threads = 1;            ///< prefetching workers, >= 1
  int64_t prefetch = 4;       ///< batches kept ready
};

/// Seeded, sharded, prefetching batches over a data set. The sequence depends on (seed, epoch) alone: ranks r of R take
/// rows r, r+R, ... of the global batch order, so 2 ranks x 64 see the same images a step as 1 rank x 128.
class Loader {
 public:
  Loader(DatasetPtr dataset, LoaderOptions options);
  ~Loader();
  int64_t batches() const;
  /// Starts an epoch at a batch (resume: batches before it are skipped without being decoded).
  void start(int64_t epoch, int64_t first_batch = 0);
  /// Next batch in order, or false at the epoch's end. Rethrows a worker's DataError.
  bool next(Batch& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pare
