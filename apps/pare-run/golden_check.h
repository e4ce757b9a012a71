#pragma once

#include <string>
#include <vector>

#include "core/runtime/executor.h"

namespace pare {

/// How far the executor is from the golden outputs, over all samples and outputs.
struct GoldenResult {
  int64_t samples = 0;
  double max_error = 0.0;     ///< largest |difference| as a share of the output's range
  double snr_db = 0.0;        ///< 10 log10(signal / noise); 200 when equal
  int64_t rows = 0, agreeing = 0;   ///< rows of the first output whose largest value is at the same index
  bool quantized = false;
  bool passed = false;
};

/// Limits: float models differ by at most 1e-4 of the output's range; quantized ones reach 40 dB and 99.5 % agreement
/// (their golden outputs come from fake quantization in float, which may fall on the other side of a tie).
/// Throws DataError when there are no samples or they do not fit the model.
GoldenResult check_golden(Executor& executor, const std::vector<GoldenSample>& samples);

}  // namespace pare
