// The choice of the instruction set.
#include <cstdlib>

#include "core/runtime/executor.h"

namespace pare {

const char* name_of(Isa isa) {
  switch (isa) {
    case Isa::kScalar: return "scalar";
    case Isa::kAvx2: return "avx2";
  }
  return "?";
}

Isa supported_isa() {
#ifdef PARE_X86_KERNELS
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Isa::kAvx2;
#endif
  return Isa::kScalar;
}

Isa default_isa() {
  static const Isa chosen = [] {
    const char* wanted = std::getenv("PARE_ISA");
    if (wanted == nullptr || *wanted == 0) return supported_isa();
    for (const Isa isa : {Isa::kScalar, Isa::kAvx2}) {
      if (std::string(wanted) == name_of(isa)) return std::min(isa, supported_isa());
    }
    throw ConfigError(fmt("[PARE_ISA] expected scalar or avx2, got {}", wanted));
  }();
  return chosen;
}

}  // namespace pare
