#pragma once

#include <cstdint>

namespace pare::x86 {

/// Pixels of a vector of 16 as runs of neighbours: lane i of a run is at from + i.
template <class V>
struct LaneRuns {
  int count = 0;
  int64_t from[16];
  uint16_t lanes[16];

  // A template of the level, so that no other level's instructions come in by the linker.
  explicit LaneRuns(const int32_t* pixels) {
    for (int i = 0; i < 16; ++i) {
      if (count == 0 || pixels[i] - i != from[count - 1]) {
        from[count] = pixels[i] - i;
        lanes[count++] = 0;
      }
      lanes[count - 1] = static_cast<uint16_t>(lanes[count - 1] | 1 << i);
    }
  }
};

}  // namespace pare::x86
