// The choice of the instruction set.
#include <charconv>
#include <cstdlib>

#include "core/runtime/executor.h"

#if defined(PARE_X86_KERNELS)
#include <cpuid.h>
#elif defined(PARE_ARM_KERNELS)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace pare {

const char* name_of(Isa isa) {
  switch (isa) {
    case Isa::kScalar: return "scalar";
    case Isa::kAvx2: return "avx2";
    case Isa::kAvxVnni: return "avx_vnni";
    case Isa::kAvx512: return "avx512";
    case Isa::kAvx512Vnni: return "avx512_vnni";
    case Isa::kNeon: return "neon";
    case Isa::kNeonDot: return "neon_dot";
    case Isa::kNeonI8mm: return "neon_i8mm";
  }
  return "?";
}

bool includes(Isa level, Isa part) { return part <= level && (part != Isa::kAvxVnni || level == part); }

std::vector<Isa> isa_levels() {
#if defined(PARE_X86_KERNELS)
  return {Isa::kScalar, Isa::kAvx2, Isa::kAvxVnni, Isa::kAvx512, Isa::kAvx512Vnni};
#elif defined(PARE_ARM_KERNELS)
  return {Isa::kScalar, Isa::kNeon, Isa::kNeonDot, Isa::kNeonI8mm};
#else
  return {Isa::kScalar};
#endif
}

#if defined(PARE_X86_KERNELS)
bool has_avx_vnni() {  // leaf 7, second part: compilers differ in whether they know its name
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a >> 4 & 1) != 0;
}

// __builtin_cpu_supports also asks whether the operating system keeps the registers.
Isa supported_isa() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::kScalar;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (avx512) return __builtin_cpu_supports("avx512vnni") ? Isa::kAvx512Vnni : Isa::kAvx512;
  return has_avx_vnni() ? Isa::kAvxVnni : Isa::kAvx2;
}
#elif defined(PARE_ARM_KERNELS)
Isa supported_isa() {
  if ((getauxval(AT_HWCAP) & HWCAP_ASIMDDP) == 0) return Isa::kNeon;
  return (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0 ? Isa::kNeonI8mm : Isa::kNeonDot;
}
#else
Isa supported_isa() { return Isa::kScalar; }
#endif

Isa isa_named(const std::string& name) {
  std::vector<std::string> known;
  for (const Isa isa : isa_levels()) {
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

DeviceChoice device_named(const std::string& name) {
  if (name == "cpu") return {};
  int index = 0;
  const char* end = name.data() + name.size();
  const bool numbered = name.rfind("cuda:", 0) == 0 && name.size() > 5;
  const auto parsed = numbered ? std::from_chars(name.data() + 5, end, index) : std::from_chars_result{end, std::errc()};
  PARE_CHECK((name == "cuda" || numbered) && parsed.ec == std::errc() && parsed.ptr == end && index >= 0, ConfigError,
             "[device] expected cpu, cuda or cuda:N, got \"{}\"", name);
  return {true, index};
}

}  // namespace pare
