#pragma once

#include "core/runtime/kernels/arm/neon_integers.h"
#include "core/runtime/kernels/x86/byte_tile.h"

namespace pare::arm {
namespace {

struct NeonDots : NeonIntegers {
  // 8 x 2 sums.
  static constexpr int kTileRows = 8, kGroup = 4;
  static constexpr bool kSigned = true;

  static Ints add_products(Ints sum, Ints weights, Ints x) {
    return vdotq_s32(sum, vreinterpretq_s8_s32(weights), vreinterpretq_s8_s32(x));
  }
  static void store_group(uint8_t* to, const uint64_t (&taps)[4]) {
    vst4_u8(to, uint8x8x4_t{{vcreate_u8(taps[0]), vcreate_u8(taps[1]), vcreate_u8(taps[2]), vcreate_u8(taps[3])}});
  }
};

}  // namespace
}  // namespace pare::arm
