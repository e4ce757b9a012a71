// Conv, float32, also with the epilogue of pare.plan.FusedConv: panels of output pixels are gathered from the input's
// planes and multiplied with the packed filters, one block of the depth after another.
#include <limits>

#include "core/runtime/kernels/x86/conv_schedule.h"
#include "core/runtime/kernels/x86/x86.h"

namespace pare::x86 {
namespace {

struct FloatConv : ConvSchedule {
  const FloatKernels& kernels;
  Tensor filters;  // packed, group after group; undefined: packed at run time, behind the panels
  bool biased = false, added = false;
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
  int64_t block = 0;
  bool direct = false;  // panels that lie in one piece are read where they are

  FloatConv(const ref::ConvGeometry& geometry, const FloatKernels& k)
      : ConvSchedule(geometry, k.columns, true), kernels(k) {}
};

struct Image {
  const float* x;    // planes
  int64_t readable;  // floats behind x
  const float *filters, *bias, *residual;
  float* out;
};

// Copying a panel pays where enough tiles read it, and where its rows lie so far apart that they push each other out of
// the first-level cache.
constexpr int64_t kCopiedTiles = 8, kCopiedPlaneBytes = 8192;
// Panels of this depth take little room: groups of them write whole runs of each output line.
constexpr int64_t kThinDepth = 64;

// Where the panel of each item begins, and the distances of its rows; null: they follow each other.
struct PanelPlace {
  const float* panel;
  const int32_t* offsets;
};

// One block of the depth.
void multiply_block(const FloatConv& c, const Image& image, const ConvSchedule::Item& item, int64_t begin,
                    const PanelPlace* places) {
  const int64_t outputs = c.g.out_group();
  const float* filters = image.filters + item.group * outputs * c.depth();
  FloatTile tile;
  tile.depth = std::min(c.block, c.depth() - begin);
  tile.out_row = c.g.out_plane();
  tile.resume = begin > 0;
  tile.finish = begin + tile.depth == c.depth();
  tile.low = c.low, tile.high = c.high;
  for (int64_t row = item.begin; row < item.end; row += c.kernels.rows) {
    const int rows = static_cast<int>(std::min<int64_t>(c.kernels.rows, outputs - row));
    const int64_t channel = item.group * outputs + row;
    tile.left = filters + row * c.depth() + begin * rows;
    tile.row_start = image.bias ? image.bias + channel : nullptr;
    for (int64_t i = 0; i < item.count; ++i) {
      const PixelPanel panel = c.panel_at(item.first + i);
      const int64_t place = channel * c.g.out_plane() + panel.first;
      tile.panel = places[i].panel, tile.offsets = places[i].offsets;
      tile.out = image.out + place;
      tile.residual = image.residual ? image.residual + place : nullptr;
      c.kernels.multiply(tile, rows, panel.count);
    }
  }
}

// A block of a panel's depth over the planes at x, of which `readable` floats may be read; copied to `copy` where it
// cannot stay.
PanelPlace place_panel(const FloatConv& c, const PixelPanel& panel, const float* x, int64_t readable, int64_t begin,
                       float* copy) {
  int32_t pixels[kMaxColumns];
  const bool whole = c.planes.last_element(panel) + kMaxColumns <= readable;
  const int32_t* offsets = c.planes.offsets().data() + begin;
  c.planes.locate(panel, c.columns, whole, pixels);
  if (c.direct && whole && pixels[panel.count - 1] - pixels[0] == panel.count - 1) return {x + pixels[0], offsets};
  c.kernels.gather(x, offsets, std::min(c.block, c.depth() - begin), pixels, whole, copy);
  return {copy, nullptr};
}

void run_items(const FloatConv& c, const Image& image, int64_t begin, int64_t end, float* panels) {
  PanelPlace places[kPanelGroup];
  for (int64_t index = begin; index < end; ++index) {
    const ConvSchedule::Item item = c.item_at(index);
    const float* x = image.x + item.group * c.g.in_group() * c.planes.channel_size();
    for (int64_t k = 0; k < c.depth(); k += c.block) {
      for (int64_t i = 0; i < item.count; ++i)
        places[i] = place_panel(c, c.panel_at(item.first + i), x, image.x + image.readable - x, k, panels + i * c.block * c.columns);
      multiply_block(c, image, item, k, places);
    }
  }
}

void pack_groups(const FloatConv& c, const float* filters, float* to) {
  const int64_t size = c.g.out_group() * c.depth();
  for (int64_t i = 0; i < c.g.groups; ++i)
    pack_left(filters + i * size, c.g.out_group(), c.depth(), c.kernels.rows, to + i * size);
}

void run_conv(const FloatConv& c, const KernelCall& call) {
  auto* packed = reinterpret_cast<float*>(call.workspace + c.planes_bytes()) + c.panel_size * c.threads;
  if (!c.filters.defined()) pack_groups(c, call.in<float>(1), packed);
  const float* filters = c.filters.defined() ? c.filters.data<float>() : packed;
  const int64_t in = c.g.in_channels * c.g.in_plane(), out = c.g.out_channels * c.g.out_plane();
  const auto copy = [&](int64_t image, int64_t begin, int64_t end, std::byte* planes) {
    for (int64_t channel = begin; channel < end; ++channel) {
      c.planes.copy_channel(call.in<float>(0) + image * in + channel * c.g.in_plane(),
                            reinterpret_cast<float*>(planes) + channel * c.planes.channel_size(), 0.0f,
                            c.kernels.copy);
    }
  };
  c.run(call, copy, [&](int64_t index, const std::byte* planes, int64_t begin, int64_t end, std::byte* panels) {
    const bool in_place = c.planes.in_place();
    const Image image{in_place ? call.in<float>(0) + index * in : reinterpret_cast<const float*>(planes),
                      in_place ? (c.g.batch - index) * in : c.planes.image_size(),
                      filters,
                      c.biased ? call.in<float>(2) : nullptr,
                      c.added ? call.in<float>(3) + index * out : nullptr,
                      call.out<float>() + index * out};
    run_items(c, image, begin, end, reinterpret_cast<float*>(panels));
  });
}

BoundKernel bind_conv(const KernelSetup& setup, const FloatKernels& kernels) {
  auto c = std::make_shared<FloatConv>(ref::conv_geometry(setup), kernels);
  c->element = sizeof(float);
  c->threads = setup.threads;
  c->block = depth_block(c->depth());
  if (c->g.out_group() * c->depth() * c->element > kCachedFilterBytes || c->depth() <= kThinDepth)
    c->group_panels = kPanelGroup;
  c->direct = c->g.out_group() <= kCopiedTiles * kernels.rows &&
              c->planes.channel_size() * c->element <= kCopiedPlaneBytes;
  c->split_filters(kernels.rows);
  c->panel_size = c->group_panels * c->block * kernels.columns;
  c->biased = setup.has_input(2), c->added = setup.has_input(3);
  if (c->added) ref::expect_shape(setup, setup.input(3), setup.output().shape, "the residual");
  c->low = static_cast<float>(setup.attrs().number("low", c->low));
  c->high = static_cast<float>(setup.attrs().number("high", c->high));
  const int64_t filters = c->g.out_channels * c->depth();
  if (!setup.is_constant(1)) {
    return {[c](const KernelCall& call) { run_conv(*c, call); }, c->workspace(setup) + filters * c->element};
  }
  c->filters = setup.packed(1, fmt("rows{}.{}", kernels.rows, c->g.groups), [&] {
    Tensor out(DType::kF32, {filters});
    pack_groups(*c, setup.constant(1).data<float>(), out.mutable_data<float>());
    return out;
  });
  return {[c](const KernelCall& call) { run_conv(*c, call); }, c->workspace(setup), {1}};
}

bool accepts_float_conv(const KernelSetup& setup) {
  if (!are_floats(setup)) return false;
  const ref::ConvGeometry g = ref::conv_geometry(setup);
  return g.depth() > 0 && Planes::fits(g);
}

}  // namespace

void add_conv_kernels(KernelTable& table, const Level& level) {
  const auto bind = [&kernels = level.floats](const KernelSetup& setup) { return bind_conv(setup, kernels); };
  table.add({.op = "Conv",
             .name = level.name("conv"),
             .isa = level.isa,
             .bind = bind,
             .accepts = accepts_float_conv,
             .fused = "pare.plan.FusedConv"});
  table.add({.op = "pare.plan.FusedConv",
             .name = level.name("fused_conv"),
             .isa = level.isa,
             .bind = bind,
             .accepts = accepts_float_conv});
}

}  // namespace pare::x86
