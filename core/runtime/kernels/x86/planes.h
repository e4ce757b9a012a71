#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/runtime/kernels/ref/conv_geometry.h"
#include "core/runtime/kernels/x86/micro_kernels.h"

namespace pare::x86 {

/// Output pixels are computed in panels of neighbours along the flattened plane.
struct PixelPanel {
  int64_t first = 0;
  int count = 0;
};

/// Input planes laid out so that the input under a kernel tap is a constant distance from the output pixel: padded, and
/// the columns of a strided convolution split by phase, so that neighbouring output pixels read neighbouring elements.
/// The element under tap k of output pixel p lies at offsets()[k] + pixel_offset(p).
class Planes {
 public:
  /// Elements that may be read behind the last one of a plane.
  static constexpr int64_t kSlack = 64;

  /// Whether all distances fit 32 bits; other geometries are refused.
  static bool fits(const ref::ConvGeometry& geometry);
  /// `may_stay`: an unpadded input with stride 1 is used as it stands.
  Planes(const ref::ConvGeometry& geometry, bool may_stay);
  /// Whether the planes are the input as it stands, so that nothing needs to be copied.
  bool in_place() const { return in_place_; }
  int64_t channel_size() const { return channel_size_; }
  /// Distance of the inputs of one output line from those of the next.
  int64_t line_step() const { return geometry_.stride_h * row_size_; }
  /// Elements of an image with the slack behind it.
  int64_t image_size() const { return geometry_.in_channels * channel_size_ + kSlack; }
  /// Distances of taps (channel of the group, row, column) in the order of a filter's elements.
  const std::vector<int32_t>& offsets() const { return offsets_; }

  /// pixels[i] for i < `lanes`: distances of output pixels from first on. Lanes behind the last pixel go on as
  /// neighbours when `run_on`, else they repeat it.
  void locate(const PixelPanel& panel, int lanes, bool run_on, int32_t* pixels) const;
  /// Highest element that panels read from, without lanes behind the last pixel.
  int64_t last_element(const PixelPanel& panel) const;

  /// Copies what lies inside the padding of one channel, with copy(Lines<From, To>).
  template <class From, class To, class Copy>
  void copy_inside(const From* plane, To* to, Copy&& copy) const {
    const int64_t first = inside_begin(), last = inside_end();
    const int64_t lines = all_read_ ? last - first : 1;
    for (int64_t row = first; row < last; row += lines) {
      if (!row_read_[static_cast<size_t>(row)]) continue;
      const From* from = plane + (row - geometry_.pad_top) * geometry_.in_w;
      for (const Phase& p : phases_) {
        copy(Lines<From, To>{from + p.first, geometry_.in_w, geometry_.stride_w, lines, p.inside,
                             to + row * row_size_ + p.begin + p.left, row_size_});
      }
    }
  }
  /// Copies one channel; `fill` stands in the padding.
  template <class From, class To, class Copy>
  void copy_channel(const From* plane, To* to, To fill, Copy&& copy) const {
    const int64_t first = std::min(inside_begin(), rows_), last = std::max(first, inside_end());
    std::fill(to, to + first * row_size_, fill);
    std::fill(to + last * row_size_, to + channel_size_, fill);
    for (const Phase& p : phases_) {
      To* line = to + first * row_size_ + p.begin;
      for (int64_t row = first; row < last; ++row, line += row_size_) {
        for (int64_t i = 0; i < p.left; ++i) line[i] = fill;
        for (int64_t i = p.left + p.inside; i < phase_size_; ++i) line[i] = fill;
      }
    }
    copy_inside(plane, to, copy);
  }

 private:
  // Every stride-th input column from `first` on stands at `begin` of a row, behind `left` columns of padding.
  struct Phase {
    int64_t remainder = 0, begin = 0, left = 0, inside = 0, first = 0;
  };

  ref::ConvGeometry geometry_;
  bool in_place_ = false;
  int64_t rows_ = 0, row_size_ = 0, phase_size_ = 0, channel_size_ = 0;
  std::vector<Phase> phases_;
  std::vector<char> row_read_;
  bool all_read_ = true;
  std::vector<int32_t> offsets_;
  int32_t last_offset_ = 0;

  // Rows that the input reaches.
  int64_t inside_begin() const { return std::max<int64_t>(0, geometry_.pad_top); }
  int64_t inside_end() const { return std::min(rows_, geometry_.in_h + geometry_.pad_top); }
  void make_offsets();
};

}  // namespace pare::x86
