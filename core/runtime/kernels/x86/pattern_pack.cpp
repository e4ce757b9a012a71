#include "core/runtime/kernels/x86/pattern_pack.h"

#include <algorithm>
#include <bit>
#include <tuple>

#include "core/runtime/kernels/x86/pattern_kernels.h"

namespace pare::x86 {
namespace {

constexpr int kKernelElements = 9;
// Times in units of a whole kernel's in a dense convolution: 4 of 9 products at a somewhat lower rate, and the loads that
// begin a run. Patterns have to win a tenth to be taken.
constexpr double kKernelCost = 0.5, kRunCost = 1.0, kWorthwhile = 0.9;

// Elements of a kernel that are not zero, as bits.
template <class T>
int used_elements(const T* kernel) {
  int bits = 0;
  for (int i = 0; i < kKernelElements; ++i) bits |= int{kernel[i] != T{0}} << i;
  return bits;
}

// Completes patterns that use fewer than four elements: to one that others use where that is possible.
std::vector<int> complete(std::vector<int> bits) {
  std::vector<int> whole;
  for (int b : bits)
    if (std::popcount(static_cast<unsigned>(b)) == kPatternTaps) whole.push_back(b);
  std::sort(whole.begin(), whole.end());
  whole.erase(std::unique(whole.begin(), whole.end()), whole.end());
  for (int& b : bits) {
    if (b == 0 || std::popcount(static_cast<unsigned>(b)) == kPatternTaps) continue;
    const auto found = std::find_if(whole.begin(), whole.end(), [&](int w) { return (b & ~w) == 0; });
    if (found != whole.end()) {
      b = *found;
      continue;
    }
    for (int i = 0; std::popcount(static_cast<unsigned>(b)) < kPatternTaps; ++i) b |= 1 << i;
    whole.push_back(b);
  }
  return bits;
}

struct KernelPlace {
  int64_t block, channel;
  int pattern;
  int64_t filter;  // of the whole layer
  auto key() const { return std::tuple(block, channel, pattern, filter); }
  bool same_run(const KernelPlace& o) const { return block == o.block && channel == o.channel && pattern == o.pattern; }
};

// Kept kernels in the order of runs; empty when a kernel keeps more than four elements.
template <class T>
std::vector<KernelPlace> kept_kernels(const T* weight, int64_t outputs, int64_t channels, int64_t block) {
  std::vector<int> bits(static_cast<size_t>(outputs * channels));
  for (size_t k = 0; k < bits.size(); ++k) {
    bits[k] = used_elements(weight + static_cast<int64_t>(k) * kKernelElements);
    if (std::popcount(static_cast<unsigned>(bits[k])) > kPatternTaps) return {};
  }
  bits = complete(std::move(bits));
  std::vector<KernelPlace> kept;
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t c = 0; c < channels; ++c)
      if (const int pattern = bits[static_cast<size_t>(o * channels + c)]) kept.push_back({o / block, c, pattern, o});
  std::sort(kept.begin(), kept.end(), [](const KernelPlace& a, const KernelPlace& b) { return a.key() < b.key(); });
  return kept;
}

template <class T>
PatternPack pack(const Tensor& weight, int64_t block, double lanes, double rival) {
  const int64_t outputs = weight.dim(0), channels = weight.numel() / std::max<int64_t>(outputs, 1) / kKernelElements;
  const T* from = weight.data<T>();
  const auto kept = kept_kernels(from, outputs, channels, block);
  std::vector<int32_t> runs, blocks;
  PatternPack out;
  const auto count = static_cast<int64_t>(kept.size());
  Tensor filters(DType::kU16, {count}), weights(weight.dtype(), {count, kPatternTaps});
  T* to = weights.mutable_data<T>();
  const auto run_count = [&] { return static_cast<int32_t>(runs.size()) / (2 + kPatternTaps); };
  for (int64_t k = 0; k < count; ++k) {
    const KernelPlace& place = kept[static_cast<size_t>(k)];
    for (auto b = static_cast<int64_t>(blocks.size() / 2); b <= place.block; ++b)
      blocks.insert(blocks.end(), {run_count(), static_cast<int32_t>(k)});
    if (k == 0 || !place.same_run(kept[static_cast<size_t>(k - 1)])) {
      runs.insert(runs.end(), {static_cast<int32_t>(place.channel), 0});
      for (int i = 0; i < kKernelElements; ++i)
        if (place.pattern >> i & 1) runs.push_back(i);
    }
    ++runs[runs.size() - 1 - kPatternTaps];
    filters.mutable_data<uint16_t>()[k] = static_cast<uint16_t>(place.filter - place.block * block);
    const T* kernel = from + (place.filter * channels + place.channel) * kKernelElements;
    for (int t = 0; t < kPatternTaps; ++t) *to++ = kernel[runs[runs.size() - kPatternTaps + static_cast<size_t>(t)]];
  }
  const double cost = (kKernelCost * static_cast<double>(count) + kRunCost * run_count()) / lanes;
  if (count == 0 || cost > kWorthwhile * rival * static_cast<double>(outputs * channels)) return out;
  const int64_t all_blocks = (outputs + block - 1) / block;
  while (static_cast<int64_t>(blocks.size() / 2) <= all_blocks)
    blocks.insert(blocks.end(), {run_count(), static_cast<int32_t>(count)});
  out.runs = Tensor::of(runs, {run_count(), 2 + kPatternTaps});
  out.blocks = Tensor::of(blocks, {all_blocks + 1, 2});
  out.filters = std::move(filters);
  out.weights = std::move(weights);
  return out;
}

}  // namespace

PatternPack pack_patterns(const Tensor& weight, int64_t block, double lanes, double rival) {
  return weight.dtype() == DType::kF32 ? pack<float>(weight, block, lanes, rival)
                                       : pack<int16_t>(weight, block, lanes, rival);
}

}  // namespace pare::x86
