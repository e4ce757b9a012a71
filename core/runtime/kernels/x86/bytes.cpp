// pare.plan.QLinearConv, QLinearGemm and QLinearMatMul by dot products of bytes. The instructions take the stored
// bytes, not their distance from the zero point, so that zero point times the sum of the weights is taken off the sums'
// start; of the other signedness, the bytes are moved by 128. All of it is exact modulo 2^32, and the sums fit.
#include <algorithm>
#include <cstring>

#include "core/base/quant_math.h"
#include "core/runtime/kernels/ref/integer_product.h"
#include "core/runtime/kernels/x86/byte_kernels.h"
#include "core/runtime/kernels/x86/conv_schedule.h"
#include "core/runtime/kernels/x86/x86.h"

namespace pare::x86 {
namespace bytes {
namespace {

using ref::IntegerProduct;

struct ByteProduct {
  std::vector<int32_t> starts;  // one a filter
  std::vector<float> multipliers;
  int32_t zero_point = 0, y_zero_point = 0;  // of x: as the kernels see it
  QRange range;
  uint8_t flip = 0;  // between stored bytes and those of the kernels
  int64_t outputs = 0, depth = 0;
};

ByteProduct byte_product(const KernelSetup& setup, const IntegerProduct& p, const ByteKernels& kernels) {
  ByteProduct out{{}, p.multipliers, p.x_zero_point, p.y_zero_point, p.range, 0, p.filters.rows.dim(0), p.depth()};
  const bool is_signed = setup.input(0).dtype == DType::kI8;
  if (is_signed != kernels.is_signed) {
    out.flip = 0x80;
    out.zero_point += is_signed ? 128 : -128;
  }
  const int16_t* row = p.filters.rows.data<int16_t>();
  for (int64_t i = 0; i < out.outputs; ++i, row += out.depth) {
    int64_t sum = 0;
    for (int64_t k = 0; k < out.depth; ++k) sum += row[k];
    out.starts.push_back(
        static_cast<int32_t>(static_cast<uint32_t>(p.bias[static_cast<size_t>(i)] - out.zero_point * sum)));
  }
  return out;
}

bool has_byte_weights(const KernelSetup& setup, int64_t axis) {
  const Tensor fits = setup.packed(1, fmt("is_i8.{}", axis), [&] {
    const Tensor rows = ref::integer_product(setup, axis).filters.rows;
    const auto all = rows.span<int16_t>();
    return Tensor::scalar<int32_t>(
        std::all_of(all.begin(), all.end(), [](int16_t w) { return w >= -128 && w <= 127; }));
  });
  return fits.data<int32_t>()[0] != 0;
}

// Filters [rows, depth] as slivers [groups][tile rows][group], one behind another; missing elements are 0.
void pack_slivers(const int16_t* filters, int64_t rows, int64_t depth, const ByteKernels& kernels, int8_t* to) {
  for (int64_t first = 0; first < rows; first += kernels.rows) {
    const int64_t height = std::min<int64_t>(kernels.rows, rows - first);
    for (int64_t k = 0; k < depth; k += kernels.group) {
      for (int64_t r = 0; r < height; ++r) {
        const int16_t* row = filters + (first + r) * depth;
        for (int64_t i = k; i < k + kernels.group; ++i) *to++ = static_cast<int8_t>(i < depth ? row[i] : 0);
      }
    }
  }
}

// The filters of `groups` groups in packed form; shared by all plans.
Tensor pack_filters(const KernelSetup& setup, const IntegerProduct& p, int64_t axis, int64_t groups,
                    const ByteKernels& kernels) {
  return setup.packed(1, fmt("bytes{}x{}.{}.{}", kernels.rows, kernels.group, axis, groups), [&] {
    const int64_t rows = p.filters.rows.dim(0) / groups, depth = p.depth();
    const int64_t size = rows * ((depth + kernels.group - 1) / kernels.group) * kernels.group;
    Tensor out(DType::kI8, {groups * size});
    for (int64_t i = 0; i < groups; ++i) {
      pack_slivers(p.filters.rows.data<int16_t>() + i * rows * depth, rows, depth, kernels,
                   out.mutable_data<int8_t>() + i * size);
    }
    return out;
  });
}

IntegerTile tile_of(const ByteProduct& p) {
  IntegerTile tile;
  tile.zero_point = static_cast<float>(p.y_zero_point);
  tile.low = static_cast<float>(p.range.low), tile.high = static_cast<float>(p.range.high);
  return tile;
}

const int16_t* as_shorts(const void* bytes) {
  return static_cast<const int16_t*>(bytes);
}

struct ByteConv : ConvSchedule {
  const ByteKernels& kernels;
  ByteProduct product;
  Tensor filters;
  int64_t block = 0;  // groups of bytes along depth

  ByteConv(const ref::ConvGeometry& geometry, const ByteKernels& k)
      : ConvSchedule(geometry, k.columns, false), kernels(k) {}
  int64_t groups() const { return (depth() + kernels.group - 1) / kernels.group; }
  int64_t block_bytes() const { return block * kernels.group * columns; }
  // For the sums of a panel between blocks.
  int64_t sums_bytes() const { return block < groups() ? g.out_group() * columns * int64_t{sizeof(int32_t)} : 0; }
};

void multiply_block(const ByteConv& c, uint8_t* out, const ConvSchedule::Item& item, int64_t begin, uint8_t* panels) {
  const int64_t outputs = c.g.out_group(), group = c.kernels.group;
  auto* sums = reinterpret_cast<int32_t*>(panels + c.group_panels * c.block_bytes());
  const int8_t* filters = c.filters.data<int8_t>() + item.group * outputs * c.groups() * group;
  IntegerTile tile = tile_of(c.product);
  tile.pairs = std::min(c.block, c.groups() - begin);
  tile.out_row = c.g.out_plane();
  tile.resume = begin > 0;
  tile.finish = begin + tile.pairs == c.groups();
  for (int64_t row = item.begin; row < item.end; row += c.kernels.rows) {
    const int rows = static_cast<int>(std::min<int64_t>(c.kernels.rows, outputs - row));
    const int64_t channel = item.group * outputs + row;
    tile.left = as_shorts(filters + (row * c.groups() + begin * rows) * group);
    tile.start = c.product.starts.data() + channel;
    tile.multiplier = c.product.multipliers.data() + channel;
    for (int64_t i = 0; i < item.count; ++i) {
      const PixelPanel panel = c.panel_at(item.first + i);
      tile.panel = as_shorts(panels + i * c.block_bytes());
      tile.sums = sums + (i * outputs + row) * c.columns;
      tile.out = out + channel * c.g.out_plane() + panel.first;
      c.kernels.multiply(tile, rows, panel.count);
    }
  }
}

void run_items(const ByteConv& c, const uint8_t* x, uint8_t* out, int64_t begin, int64_t end, uint8_t* panels) {
  int32_t pixels[kMaxColumns];
  const int64_t step = c.block * c.kernels.group;
  for (int64_t index = begin; index < end; ++index) {
    const ConvSchedule::Item item = c.item_at(index);
    for (int64_t k = 0; k < c.depth(); k += step) {
      for (int64_t i = 0; i < item.count; ++i) {
        c.planes.locate(c.panel_at(item.first + i), c.columns, true, pixels);
        c.kernels.gather(x + item.group * c.g.in_group() * c.planes.channel_size(), c.planes.offsets().data() + k,
                         std::min(step, c.depth() - k), pixels, panels + i * c.block_bytes());
      }
      multiply_block(c, out, item, k / c.kernels.group, panels);
    }
  }
}

void run_conv(const ByteConv& c, const KernelCall& call) {
  const auto copy_lines = [&](const Lines<uint8_t, uint8_t>& lines) {
    for (int64_t l = 0; l < lines.lines; ++l) {
      c.kernels.copy(lines.from + l * lines.from_line, lines.step, lines.count, c.product.flip, lines.to + l * lines.to_line);
    }
  };
  const auto copy = [&](int64_t image, int64_t begin, int64_t end, std::byte* planes) {
    const uint8_t* x = call.in<uint8_t>(0) + image * c.g.in_channels * c.g.in_plane();
    for (int64_t channel = begin; channel < end; ++channel) {
      c.planes.copy_channel(x + channel * c.g.in_plane(),
                            reinterpret_cast<uint8_t*>(planes) + channel * c.planes.channel_size(),
                            static_cast<uint8_t>(c.product.zero_point), copy_lines);
    }
  };
  c.run(call, copy, [&](int64_t image, const std::byte* planes, int64_t begin, int64_t end, std::byte* panels) {
    run_items(c, reinterpret_cast<const uint8_t*>(planes),
              call.out<uint8_t>() + image * c.g.out_channels * c.g.out_plane(), begin, end,
              reinterpret_cast<uint8_t*>(panels));
  });
}

BoundKernel bind_conv(const KernelSetup& setup, const ByteKernels& kernels) {
  auto c = std::make_shared<ByteConv>(ref::conv_geometry(setup), kernels);
  const IntegerProduct p = ref::integer_product(setup, 0);
  setup.check(p.depth() == c->g.depth(), "the weight does not fit");
  c->product = byte_product(setup, p, kernels);
  c->element = 1;
  c->threads = setup.threads;
  c->block = depth_block(c->groups());
  if (c->g.out_group() * c->groups() * kernels.group > kCachedFilterBytes) c->group_panels = kPanelGroup;
  c->split_filters(kernels.rows);
  // A multiple of what the sums behind the panels are aligned to.
  c->panel_size = (c->group_panels * (c->block_bytes() + c->sums_bytes()) + 63) / 64 * 64;
  c->filters = pack_filters(setup, p, 0, c->g.groups, kernels);
  return {[c](const KernelCall& call) { run_conv(*c, call); }, c->workspace(setup), {1, 2}};
}

bool accepts_conv(const KernelSetup& setup) {
  const ref::ConvGeometry g = ref::conv_geometry(setup);
  return g.depth() > 0 && Planes::fits(g) && has_byte_weights(setup, 0);
}

// Rows of x are the columns of tiles. Filters in blocks, so that one row of x still spreads over threads.
constexpr int64_t kFilterBlock = 96;
// Up to here each row reads the filters for itself: a tile computes all its columns, however few of them are rows.
constexpr int64_t kFewRows = 4;

struct ByteGemm {
  const ByteKernels* kernels = nullptr;
  ByteProduct product;
  Tensor filters;  // packed; for few rows [outputs, depth]
  int64_t rows = 0;

  int64_t groups() const { return (product.depth + kernels->group - 1) / kernels->group; }
  int64_t row_bytes() const { return groups() * kernels->group; }
  int64_t panel_bytes() const { return row_bytes() * kernels->columns; }
  int64_t blocks() const { return (product.outputs + kFilterBlock - 1) / kFilterBlock; }
  int64_t panels() const { return (rows + kernels->columns - 1) / kernels->columns; }
};

// `row`: zeros behind the last element.
void gather_rows(const ByteGemm& g, const uint8_t* x, int64_t count, uint8_t* row, uint8_t* panel) {
  const int64_t group = g.kernels->group, step = group * g.kernels->columns;
  for (int64_t c = 0; c < count; ++c) {
    g.kernels->copy(x + c * g.product.depth, 1, g.product.depth, g.product.flip, row);
    for (int64_t i = 0; i < g.groups(); ++i)
      std::memcpy(panel + i * step + c * group, row + i * group, static_cast<size_t>(group));
  }
}

void run_gemm(const ByteGemm& g, const KernelCall& call) {
  const ByteProduct& p = g.product;
  call.pool.parallel(g.panels() * g.blocks(), 1, [&](int64_t begin, int64_t end, int thread) {
    uint8_t* panel = reinterpret_cast<uint8_t*>(call.workspace) + thread * (g.panel_bytes() + g.row_bytes());
    // Columns without a row, and groups behind the last element, keep zeros.
    std::fill(panel, panel + g.panel_bytes() + g.row_bytes(), uint8_t{0});
    IntegerTile tile = tile_of(p);
    tile.pairs = g.groups();
    tile.panel = as_shorts(panel);
    tile.out_row = 1, tile.out_column = p.outputs;
    for (int64_t index = begin; index < end; ++index) {
      const int64_t first = index / g.blocks() * g.kernels->columns,
                    count = std::min<int64_t>(g.kernels->columns, g.rows - first);
      gather_rows(g, call.in<uint8_t>(0) + first * p.depth, count, panel + g.panel_bytes(), panel);
      const int64_t start = index % g.blocks() * kFilterBlock, last = std::min(start + kFilterBlock, p.outputs);
      for (int64_t row = start; row < last; row += g.kernels->rows) {
        tile.left = as_shorts(g.filters.data<int8_t>() + row * g.row_bytes());
        tile.start = p.starts.data() + row;
        tile.multiplier = p.multipliers.data() + row;
        tile.out = call.out<uint8_t>() + first * p.outputs + row;
        g.kernels->multiply(tile, static_cast<int>(std::min<int64_t>(g.kernels->rows, p.outputs - row)),
                            static_cast<int>(count));
      }
    }
  });
}

// The filters as they are, a sum of products a row and filter.
void run_few_rows(const ByteGemm& g, const KernelCall& call) {
  const ByteProduct& p = g.product;
  call.pool.parallel(p.outputs, 1 + ref::kElementGrain / p.depth, [&](int64_t begin, int64_t end, int thread) {
    uint8_t* x = reinterpret_cast<uint8_t*>(call.workspace) + thread * p.depth;
    for (int64_t row = 0; row < g.rows; ++row) {
      g.kernels->copy(call.in<uint8_t>(0) + row * p.depth, 1, p.depth, p.flip, x);
      uint8_t* out = call.out<uint8_t>() + row * p.outputs;
      for (int64_t i = begin; i < end; ++i) {
        const auto f = static_cast<size_t>(i);
        const auto sum = static_cast<uint32_t>(g.kernels->dot(x, g.filters.data<int8_t>() + i * p.depth, p.depth));
        out[i] = static_cast<uint8_t>(requantize(static_cast<int32_t>(static_cast<uint32_t>(p.starts[f]) + sum),
                                                 p.multipliers[f], p.y_zero_point, p.range));
      }
    }
  });
}

BoundKernel bind_gemm(const KernelSetup& setup, const ByteKernels& kernels) {
  setup.check(setup.input(1).rank() == 2 && setup.input(0).rank() >= 1,
              fmt("expected a matrix, got {}", setup.input(1).shape));
  const int64_t axis = setup.attrs().integer("transB", 0) != 0 ? 0 : 1;
  const IntegerProduct p = ref::integer_product(setup, axis);
  ByteGemm g{&kernels, byte_product(setup, p, kernels), {}, 0};
  setup.check(setup.input(0).dim(-1) == p.depth() && p.depth() > 0,
              fmt("expected rows of {}, got {}", p.depth(), setup.input(0).shape));
  g.rows = setup.input(0).numel / p.depth();
  setup.check(setup.output().numel == ref::checked_product(setup, {g.rows, g.product.outputs}),
              "the output has another size");
  if (g.rows <= kFewRows) {
    g.filters = setup.packed(1, fmt("bytes.{}", axis), [&] { return p.filters.rows.to(DType::kI8); });
    return {[g](const KernelCall& call) { run_few_rows(g, call); },
            ref::checked_product(setup, {setup.threads, p.depth()}),
            {1, 2}};
  }
  g.filters = pack_filters(setup, p, axis, 1, kernels);
  return {[g](const KernelCall& call) { run_gemm(g, call); },
          ref::checked_product(setup, {setup.threads, g.panel_bytes() + g.row_bytes()}),
          {1, 2}};
}

bool accepts_gemm(const KernelSetup& setup) {
  return setup.input(1).rank() == 2 && has_byte_weights(setup, setup.attrs().integer("transB", 0) != 0 ? 0 : 1);
}

}  // namespace
}  // namespace bytes

void add_byte_kernels(KernelTable& table, const ByteLevel& level) {
  const auto conv = [&kernels = level.kernels](const KernelSetup& s) { return bytes::bind_conv(s, kernels); };
  const auto gemm = [&kernels = level.kernels](const KernelSetup& s) { return bytes::bind_gemm(s, kernels); };
  table.add({"pare.plan.QLinearConv", level.label + ".qlinear_conv", level.isa, conv, bytes::accepts_conv});
  table.add({"pare.plan.QLinearGemm", level.label + ".qlinear_gemm", level.isa, gemm, bytes::accepts_gemm});
  table.add({"pare.plan.QLinearMatMul", level.label + ".qlinear_matmul", level.isa, gemm, bytes::accepts_gemm});
}

}  // namespace pare::x86
