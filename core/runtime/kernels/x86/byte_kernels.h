#pragma once
// What an instruction set level with dot products of bytes provides. As in micro_kernels.h: plain functions over raw
// memory, and nothing inline that a linker could take for the whole program.

#include "core/runtime/kernels/x86/micro_kernels.h"

namespace pare::x86 {

/// Products of groups of neighbouring bytes along depth. Activations are unsigned or signed, as the instruction wants
/// them; weights are signed. Sums wrap around and are exact as long as the whole sum fits int32.
struct ByteKernels {
  int rows, columns;  ///< of a full tile
  int group;          ///< bytes along depth that stand together
  bool is_signed;     ///< activations
  /// IntegerTile's operands are groups of bytes here: left [pairs][rows][group], panel [pairs][columns][group], where
  /// `pairs` counts groups.
  void (*multiply)(const IntegerTile& tile, int rows, int columns);
  /// Sum of x[i] * w[i].
  int32_t (*dot)(const uint8_t* x, const int8_t* w, int64_t depth);
  /// panel[k / group][c][k % group] = x[offsets[k] + pixels[c]], 0 behind the last k. Up to 16 elements behind a pixel
  /// may be read.
  void (*gather)(const uint8_t* x, const int32_t* offsets, int64_t depth, const int32_t* pixels, uint8_t* panel);
  /// to[i] = from[i * step] ^ flip: 0x80 turns signed bytes, raised by 128, into unsigned ones, and back.
  void (*copy)(const uint8_t* from, int64_t step, int64_t count, uint8_t flip, uint8_t* to);
};

const ByteKernels& avx_vnni_byte_kernels();
const ByteKernels& avx512_vnni_byte_kernels();

}  // namespace pare::x86
