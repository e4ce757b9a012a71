// pare.plan.QLinearConv, QLinearGemm and QLinearMatMul: int16 pairs (x - zero point) times (w - zero point), exact in
// int32.
#include <cstring>

#include "core/base/quant_math.h"
#include "core/runtime/kernels/ref/integer_product.h"
#include "core/runtime/kernels/x86/conv_schedule.h"
#include "core/runtime/kernels/x86/x86.h"

namespace pare::x86 {
namespace {

using ref::IntegerProduct;

int64_t pairs_of(int64_t depth) {
  return (depth + 1) / 2;
}

// Filters [rows, depth] as slivers [pairs][tile rows][2], one behind another; a missing last element is 0.
void pack_pairs(const int16_t* filters, int64_t rows, int64_t depth, int tile_rows, int16_t* to) {
  for (int64_t first = 0; first < rows; first += tile_rows) {
    const int64_t height = std::min<int64_t>(tile_rows, rows - first);
    for (int64_t k = 0; k < depth; k += 2) {
      for (int64_t r = 0; r < height; ++r, to += 2) {
        const int16_t* pair = filters + (first + r) * depth + k;
        to[0] = pair[0];
        to[1] = k + 1 < depth ? pair[1] : int16_t{0};
      }
    }
  }
}

// The filters of `groups` groups in packed form; shared by all plans.
Tensor pack_groups(const KernelSetup& setup, const IntegerProduct& p, int64_t axis, int64_t groups, int tile_rows) {
  return setup.packed(1, fmt("pairs{}.{}.{}", tile_rows, axis, groups), [&] {
    const int64_t rows = p.filters.rows.dim(0) / groups, size = rows * pairs_of(p.depth()) * 2;
    Tensor out(DType::kI16, {groups * size});
    for (int64_t i = 0; i < groups; ++i) {
      pack_pairs(p.filters.rows.data<int16_t>() + i * rows * p.depth(), rows, p.depth(), tile_rows,
                 out.mutable_data<int16_t>() + i * size);
    }
    return out;
  });
}

IntegerTile tile_of(const IntegerProduct& p) {
  IntegerTile tile;
  tile.pairs = pairs_of(p.depth());
  tile.zero_point = static_cast<float>(p.y_zero_point);
  tile.low = static_cast<float>(p.range.low), tile.high = static_cast<float>(p.range.high);
  return tile;
}

struct IntegerConv : ConvSchedule {
  const IntegerKernels& kernels;
  IntegerProduct product;
  Tensor filters;
  int64_t block = 0;  // pairs
  bool is_signed = false;

  IntegerConv(const ref::ConvGeometry& geometry, const IntegerKernels& k)
      : ConvSchedule(geometry, k.columns, false), kernels(k) {}
  int64_t pairs() const { return pairs_of(depth()); }
  int64_t block_size() const { return block * 2 * columns; }
  // Elements for the sums of a panel between blocks.
  int64_t sums_size() const { return block < pairs() ? g.out_group() * columns * 2 : 0; }
};

// Panels of this depth take little room: groups of them write whole runs of each output line.
constexpr int64_t kThinPairs = 64;

// One block of the depth.
void multiply_block(const IntegerConv& c, uint8_t* out, const ConvSchedule::Item& item, int64_t begin, int16_t* panels) {
  const int64_t outputs = c.g.out_group();
  auto* sums = reinterpret_cast<int32_t*>(panels + c.group_panels * c.block_size());
  const int16_t* filters = c.filters.data<int16_t>() + item.group * outputs * c.pairs() * 2;
  IntegerTile tile = tile_of(c.product);
  tile.pairs = std::min(c.block, c.pairs() - begin);
  tile.out_row = c.g.out_plane();
  tile.resume = begin > 0;
  tile.finish = begin + tile.pairs == c.pairs();
  for (int64_t row = item.begin; row < item.end; row += c.kernels.rows) {
    const int rows = static_cast<int>(std::min<int64_t>(c.kernels.rows, outputs - row));
    const int64_t channel = item.group * outputs + row;
    tile.left = filters + (row * c.pairs() + begin * rows) * 2;
    tile.start = c.product.bias.data() + channel;
    tile.multiplier = c.product.multipliers.data() + channel;
    for (int64_t i = 0; i < item.count; ++i) {
      const PixelPanel panel = c.panel_at(item.first + i);
      tile.panel = panels + i * c.block_size();
      tile.sums = sums + (i * outputs + row) * c.columns;
      tile.out = out + channel * c.g.out_plane() + panel.first;
      c.kernels.multiply(tile, rows, panel.count);
    }
  }
}

void run_items(const IntegerConv& c, const int16_t* x, uint8_t* out, int64_t begin, int64_t end, int16_t* panels) {
  int32_t pixels[kMaxColumns];
  for (int64_t index = begin; index < end; ++index) {
    const ConvSchedule::Item item = c.item_at(index);
    for (int64_t pair = 0; pair < c.pairs(); pair += c.block) {
      for (int64_t i = 0; i < item.count; ++i) {
        c.planes.locate(c.panel_at(item.first + i), c.columns, true, pixels);
        c.kernels.gather(x + item.group * c.g.in_group() * c.planes.channel_size(), c.planes.offsets().data() + 2 * pair,
                         std::min(2 * c.block, c.depth() - 2 * pair), pixels, true, panels + i * c.block_size());
      }
      multiply_block(c, out, item, pair, panels);
    }
  }
}

void run_conv(const IntegerConv& c, const KernelCall& call) {
  const auto copy_row = [&](const Lines<uint8_t, int16_t>& lines) {
    widen_lines(c.kernels, lines, c.is_signed, c.product.x_zero_point);
  };
  const auto copy = [&](int64_t image, int64_t begin, int64_t end, std::byte* planes) {
    const uint8_t* x = call.in<uint8_t>(0) + image * c.g.in_channels * c.g.in_plane();
    for (int64_t channel = begin; channel < end; ++channel) {
      c.planes.copy_channel(x + channel * c.g.in_plane(),
                            reinterpret_cast<int16_t*>(planes) + channel * c.planes.channel_size(), int16_t{0},
                            copy_row);
    }
  };
  c.run(call, copy, [&](int64_t image, const std::byte* planes, int64_t begin, int64_t end, std::byte* panel) {
    run_items(c, reinterpret_cast<const int16_t*>(planes),
              call.out<uint8_t>() + image * c.g.out_channels * c.g.out_plane(), begin, end,
              reinterpret_cast<int16_t*>(panel));
  });
}

BoundKernel bind_conv(const KernelSetup& setup, const IntegerKernels& kernels) {
  auto c = std::make_shared<IntegerConv>(ref::conv_geometry(setup), kernels);
  c->product = ref::integer_product(setup, 0);
  setup.check(c->product.depth() == c->g.depth(), "the weight does not fit");
  c->element = sizeof(int16_t);
  c->threads = setup.threads;
  c->block = depth_block(c->pairs());
  if (c->g.out_group() * c->pairs() * 2 * c->element > kCachedFilterBytes || c->pairs() <= kThinPairs)
    c->group_panels = kPanelGroup;
  c->split_filters(kernels.rows);
  c->panel_size = c->group_panels * (c->block_size() + c->sums_size());
  c->is_signed = setup.input(0).dtype == DType::kI8;
  c->filters = pack_groups(setup, c->product, 0, c->g.groups, kernels.rows);
  release_rows(*setup.weights, setup.input(1).constant, 0, c->product.filters);
  return {[c](const KernelCall& call) { run_conv(*c, call); }, c->workspace(setup), {1, 2}};
}

bool accepts_conv(const KernelSetup& setup) {
  const ref::ConvGeometry g = ref::conv_geometry(setup);
  return g.depth() > 0 && Planes::fits(g);
}

// Rows of x are the columns of tiles. Filters in blocks, so that one row of x still spreads over threads.
constexpr int64_t kFilterBlock = 96;
// Up to here each row reads the filters for itself: a tile computes 16 columns, however few of them are rows.
constexpr int64_t kFewRows = 4;

struct IntegerGemm {
  const IntegerKernels* kernels = nullptr;
  IntegerProduct product;
  Tensor filters;
  int64_t rows = 0, outputs = 0;
  bool is_signed = false;

  int64_t depth() const { return product.depth(); }
  int64_t panel_size() const { return pairs_of(depth()) * 2 * kernels->columns; }
  int64_t blocks() const { return (outputs + kFilterBlock - 1) / kFilterBlock; }
  int64_t panels() const { return (rows + kernels->columns - 1) / kernels->columns; }
};

// `wide`: a row of x as int16.
void gather_rows(const IntegerGemm& g, const uint8_t* x, int64_t count, int16_t* wide, int16_t* panel) {
  const int64_t step = 2 * g.kernels->columns;
  for (int64_t c = 0; c < count; ++c) {
    g.kernels->widen(x + c * g.depth(), 1, g.depth(), g.is_signed, g.product.x_zero_point, wide);
    if (g.depth() % 2 != 0) wide[g.depth()] = 0;
    for (int64_t pair = 0; pair < pairs_of(g.depth()); ++pair) {
      std::memcpy(panel + pair * step + 2 * c, wide + 2 * pair, 2 * sizeof(int16_t));
    }
  }
}

void run_gemm(const IntegerGemm& g, const KernelCall& call) {
  const int64_t own = g.panel_size() + pairs_of(g.depth()) * 2;
  call.pool.parallel(g.panels() * g.blocks(), 1, [&](int64_t begin, int64_t end, int thread) {
    int16_t* panel = reinterpret_cast<int16_t*>(call.workspace) + thread * own;
    // Columns without a row keep zeros.
    std::fill(panel, panel + g.panel_size(), int16_t{0});
    IntegerTile tile = tile_of(g.product);
    tile.panel = panel;
    tile.out_row = 1, tile.out_column = g.outputs;
    for (int64_t index = begin; index < end; ++index) {
      const int64_t first = index / g.blocks() * g.kernels->columns,
                    count = std::min<int64_t>(g.kernels->columns, g.rows - first);
      gather_rows(g, call.in<uint8_t>(0) + first * g.depth(), count, panel + g.panel_size(), panel);
      const int64_t start = index % g.blocks() * kFilterBlock, last = std::min(start + kFilterBlock, g.outputs);
      for (int64_t row = start; row < last; row += g.kernels->rows) {
        tile.left = g.filters.data<int16_t>() + row * tile.pairs * 2;
        tile.start = g.product.bias.data() + row;
        tile.multiplier = g.product.multipliers.data() + row;
        tile.out = call.out<uint8_t>() + first * g.outputs + row;
        g.kernels->multiply(tile, static_cast<int>(std::min<int64_t>(g.kernels->rows, g.outputs - row)),
                            static_cast<int>(count));
      }
    }
  });
}

// The filters as they are, a sum of products a row and filter.
void run_few_rows(const IntegerGemm& g, const KernelCall& call) {
  const IntegerProduct& p = g.product;
  const int64_t depth = g.depth();
  call.pool.parallel(g.outputs, 1 + ref::kElementGrain / depth, [&](int64_t begin, int64_t end, int thread) {
    int16_t* wide = reinterpret_cast<int16_t*>(call.workspace) + thread * depth;
    for (int64_t row = 0; row < g.rows; ++row) {
      g.kernels->widen(call.in<uint8_t>(0) + row * depth, 1, depth, g.is_signed, p.x_zero_point, wide);
      uint8_t* out = call.out<uint8_t>() + row * g.outputs;
      for (int64_t i = begin; i < end; ++i) {
        const auto f = static_cast<size_t>(i);
        const int32_t sum = p.bias[f] + g.kernels->dot(wide, p.filters.rows.data<int16_t>() + i * depth, depth);
        out[i] = static_cast<uint8_t>(requantize(sum, p.multipliers[f], p.y_zero_point, p.range));
      }
    }
  });
}

BoundKernel bind_gemm(const KernelSetup& setup, const IntegerKernels& kernels) {
  setup.check(setup.input(1).rank() == 2 && setup.input(0).rank() >= 1,
              fmt("expected a matrix, got {}", setup.input(1).shape));
  const int64_t axis = setup.attrs().integer("transB", 0) != 0 ? 0 : 1;
  IntegerGemm g{&kernels, ref::integer_product(setup, axis), {}, 0, 0, setup.input(0).dtype == DType::kI8};
  setup.check(setup.input(0).dim(-1) == g.depth() && g.depth() > 0,
              fmt("expected rows of {}, got {}", g.depth(), setup.input(0).shape));
  g.rows = setup.input(0).numel / g.depth();
  g.outputs = g.product.filters.rows.dim(0);
  setup.check(setup.output().numel == ref::checked_product(setup, {g.rows, g.outputs}), "the output has another size");
  if (g.rows <= kFewRows) {
    const int64_t bytes = ref::checked_product(setup, {setup.threads, g.depth(), int64_t{sizeof(int16_t)}});
    return {[g](const KernelCall& call) { run_few_rows(g, call); }, bytes, {1, 2}};
  }
  g.filters = pack_groups(setup, g.product, axis, 1, kernels.rows);
  const int64_t bytes =
      ref::checked_product(setup, {setup.threads, g.panel_size() + pairs_of(g.depth()) * 2, int64_t{sizeof(int16_t)}});
  return {[g](const KernelCall& call) { run_gemm(g, call); }, bytes, {1, 2}};
}

BoundKernel bind_add(const KernelSetup& setup, const IntegerKernels& kernels) {
  const ref::ByteParams a = ref::byte_params(setup, "a", setup.input(0).dtype),
                        b = ref::byte_params(setup, "b", setup.input(1).dtype);
  const ref::ByteParams y = ref::byte_params(setup, "y", setup.output().dtype);
  const QRange range = ref::stored_range(setup);
  ref::expect_shape(setup, setup.input(0), setup.output().shape, "the first input");
  ref::expect_shape(setup, setup.input(1), setup.output().shape, "the second input");
  ByteSum sum;
  sum.a_signed = setup.input(0).dtype == DType::kI8, sum.b_signed = setup.input(1).dtype == DType::kI8;
  sum.a_scale = a.scale, sum.b_scale = b.scale, sum.scale = y.scale;
  sum.a_zero = a.zero_point, sum.b_zero = b.zero_point;
  sum.zero_point = static_cast<float>(y.zero_point), sum.low = static_cast<float>(range.low),
  sum.high = static_cast<float>(range.high);
  const int64_t numel = setup.output().numel;
  return {[sum, y, range, numel, add = kernels.add](const KernelCall& call) {
    call.pool.parallel(numel, ref::kElementGrain, [&](int64_t begin, int64_t end, int) {
      ByteSum part = sum;
      part.a = call.in<uint8_t>(0) + begin, part.b = call.in<uint8_t>(1) + begin,
      part.out = call.out<uint8_t>() + begin;
      for (int64_t i = add(part, end - begin); i < end - begin; ++i) {
        const int32_t p = sum.a_signed ? static_cast<int8_t>(part.a[i]) : part.a[i],
                      q = sum.b_signed ? static_cast<int8_t>(part.b[i]) : part.b[i];
        const float value = dequantize(p, sum.a_scale, sum.a_zero) + dequantize(q, sum.b_scale, sum.b_zero);
        part.out[i] = static_cast<uint8_t>(quantize(value, y.scale, y.zero_point, range));
      }
    });
  }};
}

}  // namespace

void add_integer_kernels(KernelTable& table, const Level& level) {
  const IntegerKernels* kernels = &level.integers;
  const auto gemm = [kernels](const KernelSetup& s) { return bind_gemm(s, *kernels); };
  table.add({"pare.plan.QLinearConv", level.name("qlinear_conv"), level.isa,
             [kernels](const KernelSetup& s) { return bind_conv(s, *kernels); }, accepts_conv});
  table.add({"pare.plan.QLinearGemm", level.name("qlinear_gemm"), level.isa, gemm});
  table.add({"pare.plan.QLinearMatMul", level.name("qlinear_matmul"), level.isa, gemm});
  table.add({"pare.plan.QLinearAdd", level.name("qlinear_add"), level.isa,
             [kernels](const KernelSetup& s) { return bind_add(s, *kernels); }});
}

}  // namespace pare::x86
