// Convolutions with kernel patterns: for a tile of pixels, input channel after input channel, all kernels that read it through
// one pattern follow each other, so that one load of the four shifted inputs serves them all. The sums of a block of filters
// stay in the first-level cache.
#include "core/runtime/kernels/x86/pattern_conv.h"

#include <limits>

#include "core/runtime/kernels/ref/integer_product.h"
#include "core/runtime/kernels/x86/conv_schedule.h"
#include "core/runtime/kernels/x86/pattern_pack.h"

namespace pare::x86 {
namespace {

constexpr int64_t kSumBytes = 16 * 1024;  // of a block of filters
constexpr int64_t kSumAlignment = 64;
constexpr int64_t kKernelSide = 3;

/// Vectors of pixels: every output line is cut on its own, so that a vector's pixels are neighbours in the planes.
struct PixelVectors {
  std::vector<int32_t> places, counts;
  std::vector<int64_t> outs;
};

PixelVectors cut_lines(const ref::ConvGeometry& g, const Planes& planes, int lanes, int vectors) {
  PixelVectors out;
  for (int64_t h = 0; h < g.out_h; ++h) {
    for (int64_t w = 0; w < g.out_w; w += lanes) {
      int32_t place = 0;
      planes.locate({h * g.out_w + w, 1}, 1, false, &place);
      out.places.push_back(place);
      out.counts.push_back(static_cast<int32_t>(std::min<int64_t>(lanes, g.out_w - w)));
      out.outs.push_back(h * g.out_w + w);
    }
  }
  while (out.places.size() % static_cast<size_t>(vectors) != 0) {
    out.places.push_back(out.places.back());
    out.counts.push_back(0);
    out.outs.push_back(out.outs.back());
  }
  return out;
}

double lane_share(const ref::ConvGeometry& g, int lanes) {
  const int64_t all = (g.out_w + lanes - 1) / lanes * lanes;
  return static_cast<double>(g.out_w) / static_cast<double>(std::max<int64_t>(all, 1));
}

template <class Element, class Sum>
struct PatternConv : ConvSchedule {
  using Tile = PatternTile<Element, Sum>;
  int lanes, vectors;
  PixelVectors pixels;
  std::vector<PatternRun> runs;
  std::vector<int32_t> blocks;  // [blocks + 1][2]: first run, first kernel
  Tensor filters, weights;
  int64_t block = 0;  // filters

  template <class Functions>
  PatternConv(const ref::ConvGeometry& geometry, const Functions& functions)
      : ConvSchedule(geometry, functions.vectors * functions.lanes, false),
        lanes(functions.lanes),
        vectors(functions.vectors),
        pixels(cut_lines(geometry, planes, lanes, vectors)) {
    element = sizeof(Element);
    block = kSumBytes / (columns * static_cast<int64_t>(sizeof(Sum)));
    panel_size = (kSumBytes + kSumAlignment) / element;
  }
  void take(const PatternPack& pack) {
    constexpr int64_t kRow = 2 + kPatternTaps;
    const int32_t* from = pack.runs.template data<int32_t>();
    for (int64_t r = 0; r < pack.runs.dim(0); ++r, from += kRow) {
      PatternRun run{{}, from[1]};
      for (int t = 0; t < kPatternTaps; ++t)
        run.offsets[t] = planes.offsets()[static_cast<size_t>(from[0] * kKernelSide * kKernelSide + from[2 + t])];
      runs.push_back(run);
    }
    const auto first = pack.blocks.template span<int32_t>();
    blocks.assign(first.begin(), first.end());
    filters = pack.filters, weights = pack.weights;
  }

  /// finish(filter, sums, pixels) for every filter and tile of the items [begin, end).
  template <class Functions, class Finish>
  void run_tiles(const Functions& functions, const Element* x, const Sum* start, int64_t begin, int64_t end,
                 std::byte* memory, Finish&& finish) const {
    const auto skew = reinterpret_cast<uintptr_t>(memory) % kSumAlignment;
    auto* sums = reinterpret_cast<Sum*>(memory + (skew == 0 ? 0 : kSumAlignment - skew));
    const auto tiles = static_cast<int64_t>(pixels.places.size()) / vectors;
    for (int64_t tile = begin * tiles / items(); tile < end * tiles / items(); ++tile) {
      const int64_t first = tile * vectors;
      for (int64_t b = 0; b * block < g.out_channels; ++b) {
        const int32_t* at = blocks.data() + 2 * b;
        const int64_t count = std::min(block, g.out_channels - b * block);
        for (int64_t f = 0; f < count; ++f)
          std::fill_n(sums + f * columns, columns, start ? start[b * block + f] : Sum{0});
        Tile work;
        work.x = x, work.places = pixels.places.data() + first;
        work.runs = runs.data() + at[0], work.run_count = at[2] - at[0];
        work.weights = weights.data<Element>() + at[1] * int64_t{kPatternTaps};
        work.filters = filters.data<uint16_t>() + at[1];
        work.sums = sums;
        functions.accumulate(work);
        for (int64_t f = 0; f < count; ++f)
          finish(b * block + f, sums + f * columns, PatternPixels{pixels.outs.data() + first, pixels.counts.data() + first});
      }
    }
  }
};

// The packed weight in parts that all plans share; packed once for all of them.
template <class Conv>
PatternPack shared_pack(const KernelSetup& setup, const Conv& c, double rival, const std::function<Tensor()>& rows) {
  PatternPack made;
  bool packed = false;
  const double lanes = lane_share(c.g, c.lanes);
  const auto part = [&](const char* name, Tensor PatternPack::*member) {
    return setup.packed(1, fmt("patterns{}x{}.{}.{}.{}", c.element, c.block, lanes, rival, name), [&] {
      if (!packed) made = pack_patterns(rows(), c.block, lanes, rival);
      packed = true;
      return (made.*member).defined() ? made.*member : Tensor(DType::kI32, {0});
    });
  };
  return {part("runs", &PatternPack::runs), part("blocks", &PatternPack::blocks), part("filters", &PatternPack::filters),
          part("weights", &PatternPack::weights)};
}

bool has_pattern_shape(const KernelSetup& setup, const ref::ConvGeometry& g) {
  return setup.is_constant(1) && g.groups == 1 && g.kernel_h == kKernelSide && g.kernel_w == kKernelSide && g.depth() > 0 &&
         Planes::fits(g);
}

struct FloatPatternConv : PatternConv<float, float> {
  using PatternConv::PatternConv;
  bool biased = false, added = false;
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};

void run_float(const FloatPatternConv& c, const Level& level, const PatternKernels& kernels, const KernelCall& call) {
  const int64_t in = c.g.in_channels * c.g.in_plane(), out = c.g.out_channels * c.g.out_plane();
  const auto copy = [&](int64_t image, int64_t begin, int64_t end, std::byte* planes) {
    for (int64_t channel = begin; channel < end; ++channel)
      c.planes.copy_channel(call.in<float>(0) + image * in + channel * c.g.in_plane(),
                            reinterpret_cast<float*>(planes) + channel * c.planes.channel_size(), 0.0f,
                            level.floats.copy);
  };
  c.run(call, copy, [&](int64_t image, const std::byte* planes, int64_t begin, int64_t end, std::byte* memory) {
    FloatPatternRow row;
    row.low = c.low, row.high = c.high;
    const float* bias = c.biased ? call.in<float>(2) : nullptr;
    c.run_tiles(kernels.floats, reinterpret_cast<const float*>(planes), bias, begin, end, memory,
                [&](int64_t filter, const float* sums, const PatternPixels& pixels) {
                  const int64_t place = image * out + filter * c.g.out_plane();
                  row.sums = sums, row.pixels = pixels;
                  row.residual = c.added ? call.in<float>(3) + place : nullptr;
                  row.out = call.out<float>() + place;
                  kernels.floats.finish(row);
                });
  });
}

// Where Winograd's algorithm runs, patterns alone (2.25 times fewer products) lose against it.
double dense_time(const KernelSetup& setup, const ref::ConvGeometry& g) {
  constexpr int64_t kLeastChannels = 32;
  constexpr double kWinogradTime = 0.55;
  const bool near = g.stride_h == 1 && g.stride_w == 1 && g.dilation_h == 1 && g.dilation_w == 1;
  const bool winograd = setup.winograd && near && std::min(g.in_channels, g.out_channels) >= kLeastChannels;
  return winograd ? kWinogradTime : 1.0;
}

PatternPack float_pack(const KernelSetup& setup, const FloatPatternConv& c) {
  return shared_pack(setup, c, dense_time(setup, c.g), [&] { return setup.constant(1); });
}

BoundKernel bind_float_pattern(const KernelSetup& setup, const Level& level, const PatternKernels& kernels) {
  auto c = std::make_shared<FloatPatternConv>(ref::conv_geometry(setup), kernels.floats);
  c->threads = setup.threads;
  c->take(float_pack(setup, *c));
  c->biased = setup.has_input(2), c->added = setup.has_input(3);
  if (c->added) ref::expect_shape(setup, setup.input(3), setup.output().shape, "the residual");
  c->low = static_cast<float>(setup.attrs().number("low", c->low));
  c->high = static_cast<float>(setup.attrs().number("high", c->high));
  return {[c, level, &kernels](const KernelCall& call) { run_float(*c, level, kernels, call); }, c->workspace(setup), {1}};
}

bool accepts_float_pattern(const KernelSetup& setup, const PatternKernels& kernels) {
  for (size_t i = 0; i < setup.inputs.size(); ++i)
    if (setup.has_input(i) && setup.input(i).dtype != DType::kF32) return false;
  const ref::ConvGeometry g = ref::conv_geometry(setup);
  if (setup.output().dtype != DType::kF32 || !has_pattern_shape(setup, g)) return false;
  return float_pack(setup, FloatPatternConv(g, kernels.floats)).runs.numel() > 0;
}

struct IntegerPatternConv : PatternConv<int16_t, int32_t> {
  using PatternConv::PatternConv;
  ref::IntegerProduct product;
  bool is_signed = false;
};

void run_integer(const IntegerPatternConv& c, const Level& level, const PatternKernels& kernels, const KernelCall& call) {
  const ref::IntegerProduct& p = c.product;
  const auto copy_row = [&](const Lines<uint8_t, int16_t>& lines) {
    widen_lines(level.integers, lines, c.is_signed, p.x_zero_point);
  };
  const auto copy = [&](int64_t image, int64_t begin, int64_t end, std::byte* planes) {
    const uint8_t* x = call.in<uint8_t>(0) + image * c.g.in_channels * c.g.in_plane();
    for (int64_t channel = begin; channel < end; ++channel)
      c.planes.copy_channel(x + channel * c.g.in_plane(),
                            reinterpret_cast<int16_t*>(planes) + channel * c.planes.channel_size(), int16_t{0}, copy_row);
  };
  c.run(call, copy, [&](int64_t image, const std::byte* planes, int64_t begin, int64_t end, std::byte* memory) {
    IntegerPatternRow row;
    row.zero_point = static_cast<float>(p.y_zero_point);
    row.low = static_cast<float>(p.range.low), row.high = static_cast<float>(p.range.high);
    c.run_tiles(kernels.integers, reinterpret_cast<const int16_t*>(planes), p.bias.data(), begin, end, memory,
                [&](int64_t filter, const int32_t* sums, const PatternPixels& pixels) {
                  row.sums = sums, row.pixels = pixels;
                  row.multiplier = p.multipliers[static_cast<size_t>(filter)];
                  row.out = call.out<uint8_t>() + (image * c.g.out_channels + filter) * c.g.out_plane();
                  kernels.integers.finish(row);
                });
  });
}

PatternPack integer_pack(const KernelSetup& setup, const IntegerPatternConv& c, double rival) {
  return shared_pack(setup, c, rival, [&] { return ref::integer_product(setup, 0).filters.rows; });
}

BoundKernel bind_integer_pattern(const KernelSetup& setup, const Level& level, double rival) {
  const PatternKernels& kernels = level.patterns;
  auto c = std::make_shared<IntegerPatternConv>(ref::conv_geometry(setup), kernels.integers);
  c->product = ref::integer_product(setup, 0);
  setup.check(c->product.depth() == c->g.depth(), "the weight does not fit");
  c->threads = setup.threads;
  c->is_signed = setup.input(0).dtype == DType::kI8;
  c->take(integer_pack(setup, *c, rival));
  return {[c, level, &kernels](const KernelCall& call) { run_integer(*c, level, kernels, call); }, c->workspace(setup), {1, 2}};
}

bool accepts_integer_pattern(const KernelSetup& setup, const PatternKernels& kernels, double rival) {
  const ref::ConvGeometry g = ref::conv_geometry(setup);
  if (!has_pattern_shape(setup, g)) return false;
  return integer_pack(setup, IntegerPatternConv(g, kernels.integers), rival).runs.numel() > 0;
}

}  // namespace

void add_float_pattern_kernels(KernelTable& table, const Level& level) {
  const PatternKernels& kernels = level.patterns;
  const auto bind = [level, &kernels](const KernelSetup& s) { return bind_float_pattern(s, level, kernels); };
  const auto accepts = [&kernels](const KernelSetup& s) { return accepts_float_pattern(s, kernels); };
  table.add({.op = "Conv",
             .name = level.name("pattern_conv"),
             .isa = level.isa,
             .bind = bind,
             .accepts = accepts,
             .fused = "pare.plan.FusedConv"});
  table.add({.op = "pare.plan.FusedConv",
             .name = level.name("fused_pattern_conv"),
             .isa = level.isa,
             .bind = bind,
             .accepts = accepts});
}

void add_integer_pattern_kernels(KernelTable& table, const Level& level, double rival) {
  table.add({.op = "pare.plan.QLinearConv",
             .name = level.name("qlinear_pattern_conv"),
             .isa = level.isa,
             .bind = [level, rival](const KernelSetup& s) { return bind_integer_pattern(s, level, rival); },
             .accepts = [&kernels = level.patterns, rival](const KernelSetup& s) { return accepts_integer_pattern(s, kernels, rival); }});
}

}  // namespace pare::x86
