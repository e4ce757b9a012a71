#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace pare {

/// Sums of |x|^p of one tensor over all dims but one, for several dims at once.
struct PowerSums {
  at::Tensor values;                      ///< any float type and device
  std::vector<int64_t> dims;              ///< the ones that stay
  std::vector<std::vector<double>> sums;  ///< result, by entry of `dims`: [size of that dim]
};

/// Fills `sums` of all jobs; p is 1 or 2. Dense fp32 tensors on the CPU are read once, without temporaries, in one
/// parallel region for all of them; sums of fp32 run over short pieces that are added in fp64. The result does not
/// depend on the number of threads.
void power_sums(std::vector<PowerSums>& jobs, int64_t p);

}  // namespace pare
