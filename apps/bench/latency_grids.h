#pragma once

#include <vector>

#include "core/graph/latency.h"
#include "core/runtime/executor.h"

namespace pare::bench {

/// The points of a latency table. The defaults span the layers of image models up to 256 channels and 56 x 56 pixels.
struct LatencySizes {
  std::vector<double> inputs = {3, 16, 64, 256}, outputs = {16, 64, 256};  ///< channels
  std::vector<double> edges = {8, 16, 32, 56};                             ///< of a square image of outputs
  std::vector<double> rows = {1, 16, 128}, depths = {64, 256, 1024}, columns = {16, 256, 1024};
  std::vector<double> element_edges = {8, 32, 128};  ///< of 16 planes, for elementwise operators
};

/// Times every kind of node on this device, float and integer; seconds at the level AVX2.
LatencyTable measure_latency_table(Isa isa, int threads, const LatencySizes& sizes = {});

}  // namespace pare::bench
