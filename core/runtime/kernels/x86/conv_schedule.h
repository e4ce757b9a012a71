#pragma once

#include <algorithm>
#include <memory>

#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/x86/planes.h"

namespace pare::x86 {

/// Panels that share each load of the filters, when these do not stay in the second-level cache.
inline constexpr int64_t kPanelGroup = 4;
inline constexpr int64_t kCachedFilterBytes = 256 * 1024;

/// How a convolution is cut in work: panels of neighbouring output pixels, in groups that share each load of the
/// filters. Threads take whole images where there are enough of them, else parts of one image, and where these are few,
/// parts of the filters.
struct ConvSchedule {
  ref::ConvGeometry g;
  Planes planes;
  int columns = 0;  ///< pixels of a panel
  int64_t group_panels = 1;
  int64_t element = 0;     ///< bytes of an element of planes and panels
  int64_t panel_size = 0;  ///< elements of a thread's panels
  int threads = 1;
  int64_t filter_parts = 1, part_filters = 0;  ///< of one group of channels, see split_filters

  /// Panels [first, first + count) times filters [begin, end) of a group of channels.
  struct Item {
    int64_t group, first, count, begin, end;
  };

  ConvSchedule(const ref::ConvGeometry& geometry, int panel_columns, bool may_stay)
      : g(geometry), planes(geometry, may_stay), columns(panel_columns) {}

  int64_t depth() const { return g.depth(); }
  int64_t panels() const { return (g.out_plane() + columns - 1) / columns; }
  /// Groups of panels of one group of channels.
  int64_t panel_groups() const { return (panels() + group_panels - 1) / group_panels; }
  int64_t items() const { return g.groups * panel_groups() * filter_parts; }
  Item item_at(int64_t index) const {
    const int64_t part = index % filter_parts, panel_group = index / filter_parts;
    const int64_t first = panel_group % panel_groups() * group_panels, begin = part * part_filters;
    return {panel_group / panel_groups(), first, std::min(group_panels, panels() - first), std::min(begin, g.out_group()),
            std::min(begin + part_filters, g.out_group())};
  }
  /// Sets the parts, whole tiles of `tile_rows` filters; group_panels and threads are set before.
  void split_filters(int64_t tile_rows) {
    constexpr int64_t kEnough = 4;  // items a thread; fewer have to be shared evenly
    const int64_t whole = g.groups * panel_groups(), tiles = (g.out_group() + tile_rows - 1) / tile_rows;
    filter_parts = by_image() || whole >= kEnough * threads || whole % threads == 0 ? 1 : threads;
    part_filters = (tiles + filter_parts - 1) / filter_parts * tile_rows;
  }
  bool by_image() const { return g.batch >= threads; }
  int64_t planes_size() const { return planes.in_place() ? 0 : planes.image_size(); }
  /// Whole cache lines: panels begin behind.
  int64_t planes_bytes() const { return (planes_size() * element * (by_image() ? threads : 1) + 63) / 64 * 64; }
  int64_t workspace(const KernelSetup& setup) const {
    ref::checked_product(setup, {planes_size(), element, threads});
    return planes_bytes() + ref::checked_product(setup, {panel_size, element, threads});
  }
  PixelPanel panel_at(int64_t index) const {
    const int64_t first = index * columns;
    return {first, static_cast<int>(std::min<int64_t>(columns, g.out_plane() - first))};
  }

  /// copy(image, begin, end, planes) lays out channels; work(image, planes, begin, end, panels) computes items.
  template <class Copy, class Work>
  void run(const KernelCall& call, Copy&& copy, Work&& work) const {
    std::byte* panels = call.workspace + planes_bytes();
    if (by_image()) {
      call.pool.parallel(g.batch, 1, [&](int64_t begin, int64_t end, int thread) {
        std::byte* own = call.workspace + thread * planes_size() * element;
        for (int64_t image = begin; image < end; ++image) {
          if (!planes.in_place()) copy(image, 0, g.in_channels, own);
          work(image, own, 0, items(), panels + thread * panel_size * element);
        }
      });
      return;
    }
    for (int64_t image = 0; image < g.batch; ++image) {
      if (!planes.in_place()) {
        call.pool.parallel(g.in_channels, 1 + ref::kElementGrain / (g.in_plane() + 1),
                           [&](int64_t begin, int64_t end, int) { copy(image, begin, end, call.workspace); });
      }
      call.pool.parallel(items(), 1, [&](int64_t begin, int64_t end, int thread) {
        work(image, call.workspace, begin, end, panels + thread * panel_size * element);
      });
    }
  }
};

}  // namespace pare::x86
