#pragma once
// AVX-512 and AVX-VNNI in portable code: SIMDe, and what it lacks, lane by lane from the instructions' definitions.

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>

#include <cmath>
#include <cstdint>
#include <cstring>

namespace pare::test::simd {

template <class T, int kCount>
struct Array {
  T x[kCount];
};
template <class T, class Register>
auto lanes_of(const Register& r) {
  Array<T, sizeof(Register) / sizeof(T)> out;
  std::memcpy(&out, &r, sizeof r);
  return out;
}
template <class Register, class Lanes>
Register register_of(const Lanes& lanes) {
  static_assert(sizeof(Register) == sizeof(Lanes));
  Register out;
  std::memcpy(&out, &lanes, sizeof out);
  return out;
}

// Lanes of the mask from memory, the others from `other`; no other lane of the memory is touched.
template <class T, class Register>
Register load_lanes(const Register& other, uint32_t mask, const void* from) {
  auto lanes = lanes_of<T>(other);
  for (unsigned i = 0; i < sizeof(Register) / sizeof(T); ++i) {
    if (mask >> i & 1) std::memcpy(&lanes.x[i], static_cast<const T*>(from) + i, sizeof(T));
  }
  return register_of<Register>(lanes);
}
inline void store_lanes(float* to, uint32_t mask, const simde__m512& r) {
  const auto lanes = lanes_of<float>(r);
  for (int i = 0; i < 16; ++i) {
    if (mask >> i & 1) to[i] = lanes.x[i];
  }
}

// f of each of the first lanes.
template <class To, class From, class Result, class Register, class F>
Result map(const Register& r, F&& f) {
  const auto lanes = lanes_of<From>(r);
  Array<To, sizeof(Result) / sizeof(To)> out;
  for (unsigned i = 0; i < sizeof(Result) / sizeof(To); ++i) out.x[i] = f(lanes.x[i]);
  return register_of<Result>(out);
}
template <class To, class From, class Result, class Register>
Result convert(const Register& r) {
  return map<To, From, Result>(r, [](From x) { return static_cast<To>(x); });
}
inline int32_t truncated(float x) {
  return std::abs(x) < 0x1p31f ? static_cast<int32_t>(x) : INT32_MIN;
}

inline simde__m512 scaled(const simde__m512& a, const simde__m512& b) {
  auto x = lanes_of<float>(a);
  const auto n = lanes_of<float>(b);
  for (int i = 0; i < 16; ++i)
    x.x[i] = std::isnan(n.x[i]) ? n.x[i] : std::ldexp(x.x[i], static_cast<int>(std::floor(n.x[i])));
  return register_of<simde__m512>(x);
}

}  // namespace pare::test::simd

using __mmask16 = simde__mmask16;
#ifndef _MM_FROUND_NO_EXC
#define _MM_FROUND_NO_EXC SIMDE_MM_FROUND_NO_EXC
#endif
#undef _mm512_madd_epi16  // takes the arguments of the masked one in SIMDe 0.7.4
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)
#undef _mm512_roundscale_ps
#undef _mm512_scalef_ps
#define _mm512_maskz_loadu_ps(mask, from) pare::test::simd::load_lanes<float>(simde_mm512_setzero_ps(), mask, from)
#define _mm512_mask_loadu_ps(other, mask, from) pare::test::simd::load_lanes<float>(other, mask, from)
#define _mm256_maskz_loadu_epi16(mask, from) \
  pare::test::simd::load_lanes<int16_t>(simde_mm256_setzero_si256(), mask, from)
#define _mm256_mask_loadu_epi16(other, mask, from) pare::test::simd::load_lanes<int16_t>(other, mask, from)
#define _mm512_mask_storeu_ps(to, mask, x) pare::test::simd::store_lanes(to, mask, x)
#define _mm512_cvtepu16_epi32(x) (pare::test::simd::convert<int32_t, uint16_t, simde__m512i>(x))
#define _mm512_cvtepu8_epi32(x) (pare::test::simd::convert<int32_t, uint8_t, simde__m512i>(x))
#define _mm512_cvtepi8_epi32(x) (pare::test::simd::convert<int32_t, int8_t, simde__m512i>(x))
#define _mm512_cvtepi32_ps(x) (pare::test::simd::convert<float, int32_t, simde__m512>(x))
#define _mm512_cvtepi32_epi8(x) (pare::test::simd::convert<uint8_t, int32_t, simde__m128i>(x))
#define _mm512_cvtps_pd(x) (pare::test::simd::convert<double, float, simde__m512d>(x))
#define _mm512_cvttps_epi32(x) (pare::test::simd::map<int32_t, float, simde__m512i>(x, pare::test::simd::truncated))
// Only to the nearest integer.
#define _mm512_roundscale_ps(x, mode) \
  (pare::test::simd::map<float, float, simde__m512>(x, [](float f) { return std::nearbyint(f); }))
#define _mm512_scalef_ps(x, n) pare::test::simd::scaled(x, n)
#define _mm256_dpbusd_avx_epi32 simde_mm256_dpbusd_epi32
