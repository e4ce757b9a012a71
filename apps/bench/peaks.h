#pragma once

#include <cstdint>
#include <vector>

#include "core/runtime/executor.h"

namespace pare::bench {

/// What the machine can do at best, as seen between the measurements that it is compared with.
struct Peaks {
  double fma_gmacs = 0.0;  ///< float multiply-accumulates out of registers, 1e9 a second, all threads together
  double fma_scaling = 1.0;  ///< fma_gmacs over that of one thread
  double read_gbs = 0.0;   ///< reading memory beyond the caches of a core, 1e9 bytes a second
};

/// Measures a slice of a few milliseconds at a time, so that slices can stand between other measurements.
class PeakMeter {
 public:
  PeakMeter(Isa isa, int threads);
  void slice();
  /// Medians of the slices so far; at least one.
  Peaks peaks() const;

 private:
  Isa isa_;
  int threads_;
  std::vector<uint64_t> memory_;
  std::vector<double> fma_, scaling_, read_;
};

}  // namespace pare::bench
