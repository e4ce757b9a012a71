#include "apps/bench/peaks.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "apps/bench/interleave.h"
#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace pare::bench {
namespace {

constexpr size_t kWords = (size_t{64} << 20) / sizeof(uint64_t);  // more than the second-level caches hold
constexpr int kAccumulators = 12;                                 // enough to hide the latency of each
constexpr int64_t kSteps = 40000;

using Floats = float __attribute__((vector_size(16)));

// Each returns the multiply-accumulates done; `sink` keeps the compiler from dropping them.
double multiply_add(std::atomic<float>& sink) {
  Floats sums[kAccumulators] = {}, factor = {0.5f, 0.5f, 0.5f, 0.5f};
#pragma GCC unroll 1
  for (int64_t i = 0; i < kSteps; ++i) {
#pragma GCC unroll 12
    for (int a = 0; a < kAccumulators; ++a) sums[a] = sums[a] * factor + factor;
  }
  float total = 0.0f;
  for (const Floats& sum : sums) total += sum[0];
  sink = total;
  return static_cast<double>(kSteps * kAccumulators) * 4.0;
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) double multiply_add_avx2(std::atomic<float>& sink) {
  __m256 sums[kAccumulators], factor = _mm256_set1_ps(0.5f);
  for (__m256& sum : sums) sum = factor;
#pragma GCC unroll 1
  for (int64_t i = 0; i < kSteps; ++i) {
#pragma GCC unroll 12
    for (int a = 0; a < kAccumulators; ++a) sums[a] = _mm256_fmadd_ps(sums[a], factor, factor);
  }
  __m256 total = sums[0];
  for (const __m256& sum : sums) total = _mm256_add_ps(total, sum);
  sink = _mm256_cvtss_f32(total);
  return static_cast<double>(kSteps * kAccumulators) * 8.0;
}

__attribute__((target("avx512f"))) double multiply_add_avx512(std::atomic<float>& sink) {
  __m512 sums[kAccumulators], factor = _mm512_set1_ps(0.5f);
  for (__m512& sum : sums) sum = factor;
#pragma GCC unroll 1
  for (int64_t i = 0; i < kSteps; ++i) {
#pragma GCC unroll 12
    for (int a = 0; a < kAccumulators; ++a) sums[a] = _mm512_fmadd_ps(sums[a], factor, factor);
  }
  __m512 total = sums[0];
  for (const __m512& sum : sums) total = _mm512_add_ps(total, sum);
  sink = _mm512_cvtss_f32(total);
  return static_cast<double>(kSteps * kAccumulators) * 16.0;
}
#endif

double read_all(const uint64_t* data, size_t count, std::atomic<float>& sink) {
  uint64_t sums[8] = {};
  for (size_t i = 0; i + 8 <= count; i += 8) {
    for (size_t lane = 0; lane < 8; ++lane) sums[lane] += data[i + lane];
  }
  uint64_t total = 0;
  for (uint64_t sum : sums) total += sum;
  sink = static_cast<float>(total);
  return static_cast<double>(count * sizeof(uint64_t));
}

// Work a second of all threads together, in 1e9; `work` gets the thread's index.
double rate(int threads, const std::function<double(int)>& work) {
  std::vector<double> done(static_cast<size_t>(threads));
  const auto start = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back([&, t] { done[static_cast<size_t>(t)] = work(t); });
    done[0] = work(0);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  double sum = 0.0;
  for (double part : done) sum += part;
  return sum / took.count() / 1e9;
}

}  // namespace

PeakMeter::PeakMeter(Isa isa, int threads) : isa_(isa), threads_(threads), memory_(kWords, 1) {}

void PeakMeter::slice() {
  std::atomic<float> sink{0.0f};
  const auto work = [&](int) {
#ifdef __x86_64__
    if (includes(isa_, Isa::kAvx512)) return multiply_add_avx512(sink);
    if (isa_ != Isa::kScalar) return multiply_add_avx2(sink);
#endif
    return multiply_add(sink);
  };
  const double alone = threads_ > 1 ? rate(1, work) : 0.0;
  fma_.push_back(rate(threads_, work));
  scaling_.push_back(threads_ > 1 ? fma_.back() / alone : 1.0);
  const size_t share = kWords / static_cast<size_t>(threads_);
  read_.push_back(
      rate(threads_, [&](int t) { return read_all(memory_.data() + share * static_cast<size_t>(t), share, sink); }));
}

Peaks PeakMeter::peaks() const {
  return {quantile(fma_, 0.5), quantile(scaling_, 0.5), quantile(read_, 0.5)};
}

}  // namespace pare::bench
