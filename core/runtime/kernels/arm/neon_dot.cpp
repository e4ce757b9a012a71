// Dot products of bytes for NEON with SDOT.
#include "core/runtime/kernels/arm/arm_kernels.h"
#include "core/runtime/kernels/arm/neon_dots.h"

namespace pare::arm {

const x86::ByteKernels& neon_dot_byte_kernels() {
  using V = NeonDots;
  static constexpr x86::ByteKernels kKernels = {V::kTileRows,         2 * V::kLanes,          V::kGroup,
                                                V::kSigned,           x86::multiply_bytes<V>, x86::dot_bytes<V>,
                                                x86::gather_bytes<V>, x86::copy_bytes<V>};
  return kKernels;
}

}  // namespace pare::arm
