#pragma once
// What one instruction set level provides for convolutions whose kernels keep up to four elements in a few patterns. As in
// micro_kernels.h: plain functions over raw memory, and nothing inline that a linker could take for the whole program.

#include <cstdint>

namespace pare::x86 {

/// Elements of a kernel that are stored.
inline constexpr int kPatternTaps = 4;

/// Kernels of one input channel with one pattern: the input is loaded once for all of them.
struct PatternRun {
  int32_t offsets[kPatternTaps];  ///< of the taps, from a pixel's place in the planes
  int32_t count;                  ///< kernels
};

/// Sums of a block of filters over all runs, for `vectors` vectors of pixels.
template <class Element, class Sum>
struct PatternTile {
  const Element* x = nullptr;
  const int32_t* places = nullptr;  ///< of each vector's first pixel
  const PatternRun* runs = nullptr;
  int64_t run_count = 0;
  const Element* weights = nullptr;   ///< [kernels][kPatternTaps], run after run
  const uint16_t* filters = nullptr;  ///< [kernels]: row of the sums
  Sum* sums = nullptr;                ///< [filters][vectors][lanes]
};
using FloatPatternTile = PatternTile<float, float>;
using IntegerPatternTile = PatternTile<int16_t, int32_t>;

/// Where the sums of one filter go: vector v to out[places[v] ...], its first counts[v] lanes.
struct PatternPixels {
  const int64_t* places = nullptr;
  const int32_t* counts = nullptr;
};
struct FloatPatternRow {
  const float* sums = nullptr;
  PatternPixels pixels;
  const float* residual = nullptr;  ///< added, laid out as `out`
  float low = 0.0f, high = 0.0f;
  float* out = nullptr;
};
/// out = clamp(nearbyint(float(sum) * multiplier) + zero_point)
struct IntegerPatternRow {
  const int32_t* sums = nullptr;
  PatternPixels pixels;
  float multiplier = 1.0f, zero_point = 0.0f, low = 0.0f, high = 0.0f;
  uint8_t* out = nullptr;
};

template <class Tile, class Row>
struct PatternFunctions {
  int lanes;    ///< of a vector of pixels, which are neighbours in one line
  int vectors;  ///< of a tile
  void (*accumulate)(const Tile& tile);
  void (*finish)(const Row& row);
};
struct PatternKernels {
  PatternFunctions<FloatPatternTile, FloatPatternRow> floats;
  PatternFunctions<IntegerPatternTile, IntegerPatternRow> integers;
};

const PatternKernels& avx2_pattern_kernels();
const PatternKernels& avx512_pattern_kernels();

}  // namespace pare::x86
