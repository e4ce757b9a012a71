// The sources of the levels that few processors have, with SIMDe in the place of their intrinsics.
#include "tests/runtime/emulated/levels.h"

#ifdef PARE_EMULATED_X86
#define PARE_INTRINSICS "tests/runtime/emulated/avx512_by_simde.h"
// The same functions are in the library, compiled for the level.
#define avx512_float_kernels emulated_avx512_float_kernels
#define avx512_integer_kernels emulated_avx512_integer_kernels
#define avx512_loop_kernels emulated_avx512_loop_kernels
#define avx512_math_kernels emulated_avx512_math_kernels
#define avx512_pattern_kernels emulated_avx512_pattern_kernels
#define avx512_vnni_byte_kernels emulated_avx512_vnni_byte_kernels
#define avx_vnni_byte_kernels emulated_avx_vnni_byte_kernels
#include "core/runtime/kernels/x86/avx512_float.cpp"
#include "core/runtime/kernels/x86/avx512_integer.cpp"
#include "core/runtime/kernels/x86/avx512_math.cpp"
#include "core/runtime/kernels/x86/avx512_pattern.cpp"
#include "core/runtime/kernels/x86/avx512_vnni.cpp"
#include "core/runtime/kernels/x86/avx_vnni.cpp"

#include "core/runtime/kernels/ref/ref.h"
#include "core/runtime/kernels/x86/x86.h"

namespace pare::test {

std::vector<EmulatedLevel> emulated_levels() {
  using namespace x86;
  const auto label = [](Isa isa) { return fmt("emulated_{}", name_of(isa)); };
  std::vector<EmulatedLevel> levels = {{Isa::kAvxVnni, {}}, {Isa::kAvx512, {}}, {Isa::kAvx512Vnni, {}}};
  for (EmulatedLevel& level : levels) add_reference_kernels(level.table);
  const Level avx512{Isa::kScalar,          avx512_float_kernels(),   avx512_integer_kernels(), avx512_loop_kernels(),
                     avx512_math_kernels(), avx512_pattern_kernels(), label(Isa::kAvx512)};
  add_levels(levels[0].table, {}, {{Isa::kScalar, avx_vnni_byte_kernels(), avx512, label(Isa::kAvxVnni)}});
  add_levels(levels[1].table, {avx512}, {});
  add_levels(levels[2].table, {}, {{Isa::kScalar, avx512_vnni_byte_kernels(), avx512, label(Isa::kAvx512Vnni)}});
  return levels;
}

}  // namespace pare::test

#else

namespace pare::test {

std::vector<EmulatedLevel> emulated_levels() {
  return {};
}

}  // namespace pare::test

#endif
