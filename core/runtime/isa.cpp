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

Isa isa_named(const std::string& name) {
  std::vector<std::string> known;
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2}) {
    if (name == name_of(isa)) return isa;
    known.push_back(name_of(isa));
  }
  throw ConfigError(fmt("[instruction set] expected one of {}, got \"{}\".{}", join(known, ", "), name, did_you_mean(name, known)));
}

Isa default_isa() {
  static const Isa chosen = [] {
    const char* wanted = std::getenv("PARE_ISA");
    if (wanted == nullptr || *wanted == 0) return supported_isa();
    return std::min(isa_named(wanted), supported_isa());
  }();
  return chosen;
}

}  // namespace pare
