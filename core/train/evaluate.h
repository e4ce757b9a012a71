#pragma once

#include <ATen/core/Tensor.h>

#include "core/data/dataset.h"
#include "core/model/model.h"

namespace pare {

/// Classification figures over labelled examples.
struct EvalResult {
  int64_t count = 0;     ///< labelled examples
  int64_t correct = 0;   ///< label has the largest output
  int64_t top5 = 0;      ///< label is among the five largest outputs
  double loss_sum = 0;   ///< of cross entropy, nats
  double top1_rate() const { return count ? static_cast<double>(correct) / static_cast<double>(count) : 0.0; }
  double top5_rate() const { return count ? static_cast<double>(top5) / static_cast<double>(count) : 0.0; }
  double mean_loss() const { return count ? loss_sum / static_cast<double>(count) : 0.0; }
  /// Adds a batch: `logits` [N, classes] float, `labels` [N] int64; rows with label -1 are left out.
  /// Throws DataError when a label is not below the number of classes.
  void add(const at::Tensor& logits, const at::Tensor& labels);
};

/// Runs the first output of `model` over the whole data set in eval mode (the mode is restored).
EvalResult evaluate(Model& model, const DatasetPtr& dataset, int64_t batch_size = 256, int threads = 1);

}  // namespace pare
