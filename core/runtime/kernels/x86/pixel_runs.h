#pragma once

#include <cstdint>

namespace pare::x86 {

/// Pixels of one vector that lie in at most two runs of neighbours.
struct TwoRuns {
  int32_t near = 0, far = 0;  ///< lane i of the second run is at far + i
  int split = 0;              ///< lanes of the first run
  bool possible = true;
};

// A template of the level, so that no other level's instructions come in by the linker.
template <class V>
TwoRuns two_runs(const int32_t* pixels, int width) {
  TwoRuns runs{pixels[0], 0, 1, true};
  while (runs.split < width && pixels[runs.split] == runs.near + runs.split) ++runs.split;
  runs.far = runs.split < width ? pixels[runs.split] - runs.split : runs.near;
  for (int i = runs.split; i < width; ++i) runs.possible = runs.possible && pixels[i] == runs.far + i;
  runs.possible = runs.possible && runs.far >= 0;
  return runs;
}

}  // namespace pare::x86
