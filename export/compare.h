#pragma once

#include <optional>
#include <vector>

#include "export/verify.h"

namespace pare {

/// Differences between the outputs of a contestant and the reference, collected batch by batch.
class Comparison {
 public:
  /// Outputs in graph order. Throws ModelError when count, shapes or element types differ.
  void add(const std::vector<Tensor>& reference, const std::vector<Tensor>& got);
  void add_metric(double sum, int64_t rows) {
    metric_sum_ += sum;
    metric_rows_ += rows;
  }
  /// The figures, judged against the limits.
  VerifyRow finish(const std::string& what, bool quantized, const VerifyLimits& limits, std::optional<double> reference_metric) const;
  std::optional<double> metric() const;

 private:
  struct Output {
    double low = 0, high = 0, max_error = 0, signal = 0, noise = 0;
    bool seen = false;
  };
  std::vector<Output> outputs_;
  int64_t rows_ = 0, agreeing_ = 0, metric_rows_ = 0;
  double metric_sum_ = 0;
};

/// Index of the largest value of each row along the last dim; ties count for the lower index.
std::vector<int64_t> argmax_rows(const Tensor& output);

}  // namespace pare
