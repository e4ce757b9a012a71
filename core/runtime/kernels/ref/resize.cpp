// Resize: nearest for any element type, linear (up to three resized dims) for float32.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/ref/ref.h"

namespace pare {
namespace {

using namespace ref;

// Where an output index of one dim reads: two neighbours and the share of the second one.
struct Tap {
  int64_t low = 0, high = 0;   // offsets in elements
  float share = 0.0f;
};

struct Axis {
  int64_t in = 0, out = 0, stride = 0;
  float scale = 1.0f;
};

float coordinate(const std::string& mode, const Axis& a, int64_t i) {
  const auto x = static_cast<float>(i);
  if (mode == "asymmetric") return x / a.scale;
  if (mode == "align_corners") {
    return a.out > 1 ? x * static_cast<float>(a.in - 1) / static_cast<float>(a.out - 1) : 0.0f;
  }
  if (mode == "pytorch_half_pixel" && a.out == 1) return 0.0f;
  return (x + 0.5f) / a.scale - 0.5f;
}

float nearest_of(const std::string& mode, float x) {
  if (mode == "floor") return std::floor(x);
  if (mode == "ceil") return std::ceil(x);
  return mode == "round_prefer_ceil" ? std::floor(x + 0.5f) : std::ceil(x - 0.5f);
}

std::vector<Tap> taps_of(const KernelSetup& setup, const Axis& a, bool linear) {
  const std::string transform = setup.attrs().text("coordinate_transformation_mode", "half_pixel");
  const std::string rounding = setup.attrs().text("nearest_mode", "round_prefer_floor");
  const auto last = static_cast<float>(a.in - 1);
  std::vector<Tap> taps;
  for (int64_t i = 0; i < a.out; ++i) {
    const float x = coordinate(transform, a, i);
    const float base = std::clamp(linear ? std::floor(x) : nearest_of(rounding, x), 0.0f, last);
    const auto low = static_cast<int64_t>(base), high = std::min(low + 1, a.in - 1);
    const float share = linear ? std::clamp(x, 0.0f, last) - base : 0.0f;
    taps.push_back({low * a.stride, (share > 0.0f ? high : low) * a.stride, share});
  }
  return taps;
}

std::vector<std::vector<Tap>> all_taps(const KernelSetup& setup, bool linear) {
  const Shape &in = setup.input(0).shape, &out = setup.output().shape;
  setup.check(in.size() == out.size() && in.size() <= kMaxRank, fmt("expected an output of rank {}, got {}", in.size(), out));
  const std::vector<double> scales = setup.attrs().has("scales") ? setup.attrs().numbers("scales") : std::vector<double>{};
  setup.check(scales.empty() || scales.size() == in.size(), fmt("expected {} scales, got {}", in.size(), scales));
  const Shape strides = strides_of(in);
  std::vector<std::vector<Tap>> taps;
  for (size_t d = 0; d < in.size(); ++d) {
    setup.check(in[d] > 0 || out[d] == 0, fmt("expected elements to resize, got {}", in));
    const double scale = scales.empty() ? static_cast<double>(out[d]) / static_cast<double>(std::max<int64_t>(in[d], 1)) : scales[d];
    setup.check(static_cast<float>(scale) > 0.0f && std::isfinite(scale), fmt("expected scales > 0, got {}", scales));
    taps.push_back(taps_of(setup, {in[d], out[d], strides[d], static_cast<float>(scale)}, linear));
  }
  return taps;
}

BoundKernel bind_nearest(const KernelSetup& setup) {
  const auto taps = all_taps(setup, false);
  const Shape out = setup.output().shape;
  const int64_t bytes = size_of(setup.output().dtype), numel = setup.output().numel;
  return {[=](const KernelCall& call) {
    call.pool.parallel(numel, kElementGrain, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t from = 0, rest = i;
        for (size_t d = out.size(); d-- > 0; rest /= out[d]) from += taps[d][static_cast<size_t>(rest % out[d])].low;
        std::memcpy(call.outputs[0] + i * bytes, call.inputs[0] + from * bytes, static_cast<size_t>(bytes));
      }
    });
  }};
}

// Weighted sum of the corners around one point; dims without a share have one neighbour.
float interpolate(const float* x, const std::array<Tap, kMaxRank>& taps, size_t rank) {
  std::array<size_t, 3> moving{};
  size_t count = 0;
  int64_t base = 0;
  for (size_t d = 0; d < rank; ++d) {
    if (taps[d].share > 0.0f) moving[count++] = d;
    else base += taps[d].low;
  }
  float sum = 0.0f;
  for (size_t corner = 0; corner < (size_t{1} << count); ++corner) {
    float weight = 1.0f;
    int64_t offset = base;
    for (size_t k = 0; k < count; ++k) {
      const Tap& tap = taps[moving[k]];
      const bool high = (corner >> k & 1) != 0;
      weight *= high ? tap.share : 1.0f - tap.share;
      offset += high ? tap.high : tap.low;
    }
    sum += weight * x[offset];
  }
  return sum;
}

BoundKernel bind_linear(const KernelSetup& setup) {
  expect_dtype(setup, DType::kF32, 0, 0);
  const auto taps = all_taps(setup, true);
  size_t moving = 0;
  for (const auto& dim : taps) {
    moving += std::any_of(dim.begin(), dim.end(), [](const Tap& t) { return t.share > 0.0f; });
  }
  setup.check(moving <= 3, fmt("expected at most 3 resized dims, got {}", moving));
  const Shape out = setup.output().shape;
  const int64_t numel = setup.output().numel;
  return {[=](const KernelCall& call) {
    call.pool.parallel(numel, 256, [&](int64_t begin, int64_t end, int) {
      std::array<Tap, kMaxRank> at{};
      for (int64_t i = begin; i < end; ++i) {
        int64_t rest = i;
        for (size_t d = out.size(); d-- > 0; rest /= out[d]) at[d] = taps[d][static_cast<size_t>(rest % out[d])];
        call.out<float>()[i] = interpolate(call.in<float>(0), at, out.size());
      }
    });
  }};
}

BoundKernel bind_resize(const KernelSetup& setup) {
  expect_dtype(setup, setup.input(0).dtype, 0, 0);
  return setup.attrs().text("mode", "nearest") == "linear" ? bind_linear(setup) : bind_nearest(setup);
}

}  // namespace

void add_resize_kernels(KernelTable& table) { table.add({"Resize", "ref.resize", Isa::kScalar, bind_resize}); }

}  // namespace pare
