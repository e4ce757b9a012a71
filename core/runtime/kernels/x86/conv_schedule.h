#pragma once

#include <algorithm>
#include <memory>

#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/x86/planes.h"

namespace pare::x86 {

/// How a convolution is cut in work: panels of neighbouring output pixels, in groups that share each load of the
/// filters. Threads take whole images where there are enough of them, else parts of one image.
struct ConvSchedule {
  ref::ConvGeometry g;
  Planes planes;
  int columns = 0;  ///< pixels of a panel
  int64_t group_panels = 1;
  int64_t element = 0;     ///< bytes of an element of planes and panels
  int64_t panel_size = 0;  ///< elements of a thread's panels
  int threads = 1;

  ConvSchedule(const ref::ConvGeometry& geometry, int panel_columns, bool may_stay)
      : g(geometry), planes(geometry, may_stay), columns(panel_columns) {}

  int64_t depth() const { return g.depth(); }
  int64_t panels() const { return (g.out_plane() + columns - 1) / columns; }
  /// Groups of panels of one group of channels.
  int64_t panel_groups() const { return (panels() + group_panels - 1) / group_panels; }
  int64_t items() const { return g.groups * panel_groups(); }
  bool by_image() const { return g.batch >= threads; }
  int64_t planes_size() const { return planes.in_place() ? 0 : planes.image_size(); }
  int64_t planes_bytes() const { return planes_size() * element * (by_image() ? threads : 1); }
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
