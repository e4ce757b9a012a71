#include "core/runtime/kernels/x86/planes.h"

#include <algorithm>
#include <limits>

namespace pare::x86 {

bool Planes::fits(const ref::ConvGeometry& g) {
  // Wider kernels would make the search for phases slow.
  constexpr int64_t kMostTaps = 1024, kLimit = std::numeric_limits<int32_t>::max() - kSlack;
  if (g.kernel_w > kMostTaps || g.kernel_h > kMostTaps || g.out_plane() == 0) return false;
  const int64_t phases = std::min(g.kernel_w, g.stride_w),
                width = g.out_w + (g.kernel_w - 1) * g.dilation_w / g.stride_w;
  const int64_t rows = g.out_h * g.stride_h + (g.kernel_h - 1) * g.dilation_h;
  const int64_t plane = std::max(rows * phases * width, g.in_plane());
  return plane <= kLimit && g.in_group() <= kLimit / std::max<int64_t>(plane, 1);
}

Planes::Planes(const ref::ConvGeometry& g, bool may_stay) : geometry_(g) {
  const bool padded = g.pad_top != 0 || g.pad_left != 0 || g.pad_bottom != 0 || g.pad_right != 0;
  in_place_ = may_stay && !padded && g.stride_h == 1 && g.stride_w == 1;
  if (in_place_) {
    row_size_ = g.in_w, channel_size_ = g.in_plane();
    phases_ = {{0, 0, 0, g.in_w, 0}};
    make_offsets();
    return;
  }
  const int64_t reach = (g.kernel_w - 1) * g.dilation_w;
  phase_size_ = g.out_w + reach / g.stride_w;
  for (int64_t tap = 0; tap < g.kernel_w; ++tap) {
    const int64_t remainder = tap * g.dilation_w % g.stride_w;
    if (std::any_of(phases_.begin(), phases_.end(), [&](const Phase& p) { return p.remainder == remainder; })) continue;
    Phase p{remainder, row_size_, 0, 0, 0};
    // Index i of the phase is input column remainder + i * stride - pad.
    const int64_t start = remainder - g.pad_left;
    p.left = start >= 0 ? 0 : std::min((g.stride_w - 1 - start) / g.stride_w, phase_size_);
    p.first = start + p.left * g.stride_w;
    const int64_t columns = g.in_w > p.first ? (g.in_w - p.first + g.stride_w - 1) / g.stride_w : 0;
    p.inside = std::min(columns, phase_size_ - p.left);
    phases_.push_back(p);
    row_size_ += phase_size_;
  }
  rows_ = g.out_h == 0 ? 0 : (g.out_h - 1) * g.stride_h + (g.kernel_h - 1) * g.dilation_h + 1;
  row_read_.assign(static_cast<size_t>(rows_), 0);
  for (int64_t h = 0; h < g.out_h; ++h) {
    for (int64_t i = 0; i < g.kernel_h; ++i) row_read_[static_cast<size_t>(h * g.stride_h + i * g.dilation_h)] = 1;
  }
  all_read_ = std::find(row_read_.begin(), row_read_.end(), 0) == row_read_.end();
  channel_size_ = rows_ * row_size_;
  make_offsets();
}

void Planes::make_offsets() {
  const ref::ConvGeometry& g = geometry_;
  offsets_.reserve(static_cast<size_t>(g.depth()));
  for (int64_t c = 0; c < g.in_group(); ++c) {
    for (int64_t i = 0; i < g.kernel_h; ++i) {
      for (int64_t j = 0; j < g.kernel_w; ++j) {
        const int64_t column = j * g.dilation_w;
        const auto phase = std::find_if(phases_.begin(), phases_.end(),
                                        [&](const Phase& p) { return p.remainder == column % g.stride_w; });
        offsets_.push_back(static_cast<int32_t>(c * channel_size_ + i * g.dilation_h * row_size_ + phase->begin +
                                                column / g.stride_w));
      }
    }
  }
  last_offset_ = offsets_.empty() ? 0 : *std::max_element(offsets_.begin(), offsets_.end());
}

void Planes::locate(const PixelPanel& panel, int lanes, bool run_on, int32_t* pixels) const {
  int64_t h = panel.first / geometry_.out_w, w = panel.first % geometry_.out_w;
  for (int i = 0; i < lanes; ++i) {
    if (i >= panel.count) {
      pixels[i] = pixels[i - 1] + (run_on ? 1 : 0);
      continue;
    }
    pixels[i] = static_cast<int32_t>(h * geometry_.stride_h * row_size_ + w);
    if (++w == geometry_.out_w) w = 0, ++h;
  }
}

int64_t Planes::last_element(const PixelPanel& panel) const {
  const int64_t last = panel.first + panel.count - 1;
  return last / geometry_.out_w * geometry_.stride_h * row_size_ + last % geometry_.out_w + last_offset_;
}

}  // namespace pare::x86
