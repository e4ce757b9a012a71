// Convolutions over bytes, also the products of matrices (windows of one pixel): exact sums in int32, then requantized.
#include "core/runtime/cuda/kernels/kernels.h"
#include "core/runtime/cuda/kernels/warp_dot.h"
#include "core/runtime/cuda/kernels/window.h"

namespace pare::cuda {
namespace {

// A block of four warps makes kTile filters x kTile pixels, 32 products deep at a time; a warp makes a quarter.
constexpr int kTile = 64, kThreads = 128, kDepth = 32, kWords = kDepth / 4;
// Words between rows in shared memory: the eight rows of a fragment fall on different banks.
constexpr int kRow = 12;

struct alignas(16) FourWords {
  int32_t at[4];
};

// Each thread brings half a filter's step.
PARE_DEVICE void load_filters(const ByteConvParams& p, const int32_t* filters, int64_t group, int64_t first, int k, int32_t* tile) {
  const int row = thread_index() / 2, half = thread_index() % 2;
  const int64_t outputs = p.window.out_channels / p.window.groups;
  FourWords words = {};
  if (first + row < outputs) {
    const int64_t word = (group * outputs + first + row) * (p.padded / 4) + k / 4 + half * 4;
    words = *reinterpret_cast<const FourWords*>(filters + word);
  }
  *reinterpret_cast<FourWords*>(tile + row * kRow + half * 4) = words;
}

// Each thread gathers half a pixel's step.
PARE_DEVICE void load_pixels(const ByteConvParams& p, const uint8_t* x, const Tap* taps, const Corner& corner, int k, int32_t* tile) {
  const int pixel = thread_index() % kTile, half = thread_index() / kTile;
  const auto zero = static_cast<uint8_t>(p.x_zero_point);
  FourWords words;
  for (int i = 0; i < 4; ++i) {
    uint32_t word = 0;
    for (int b = 0; b < 4; ++b) {
      const Tap tap = taps[k + half * 16 + i * 4 + b];
      const uint8_t byte = is_inside(p.window, corner, tap) ? x[corner.base + tap.offset] : zero;
      word |= static_cast<uint32_t>(byte) << (8 * b);
    }
    words.at[i] = static_cast<int32_t>(word);
  }
  *reinterpret_cast<FourWords*>(tile + pixel * kRow + half * 4) = words;
}

// A thread's place in its warp's quarter: fragments of 16 filters x 8 pixels, as the tensor cores lay them out.
struct Lane {
  int row, column, group, quad;
  PARE_DEVICE int filter(int i, int c) const { return row + i * 16 + group + c / 2 * 8; }
  PARE_DEVICE int pixel(int j, int c) const { return column + j * 8 + quad * 2 + c % 2; }
};

PARE_DEVICE Lane lane_of() {
  const int warp = thread_index() / 32, lane = thread_index() % 32;
  return {warp % 2 * 32, warp / 2 * 32, lane / 4, lane % 4};
}

template <bool kSigned>
PARE_DEVICE void multiply_on_tensor_cores(const int32_t* left, const int32_t* right, const Lane& lane, int32_t (&sums)[2][4][4]) {
  for (int j = 0; j < 4; ++j) {
    const int32_t* pixel = right + (lane.column + j * 8 + lane.group) * kRow + lane.quad;
    const int32_t b[2] = {pixel[0], pixel[4]};
    for (int i = 0; i < 2; ++i) {
      const int32_t* filter = left + (lane.row + i * 16 + lane.group) * kRow + lane.quad;
      const int32_t a[4] = {filter[0], filter[8 * kRow], filter[4], filter[8 * kRow + 4]};
      multiply_fragments<kSigned>(sums[i][j], a, b);
    }
  }
}

template <bool kSigned>
PARE_DEVICE void multiply_by_dots(const int32_t* left, const int32_t* right, const Lane& lane, int32_t (&sums)[2][4][4]) {
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 4; ++j) {
      for (int c = 0; c < 4; ++c) {
        const int32_t *filter = left + lane.filter(i, c) * kRow, *pixel = right + lane.pixel(j, c) * kRow;
        for (int w = 0; w < kWords; ++w) sums[i][j][c] = dot_bytes<kSigned>(filter[w], pixel[w], sums[i][j][c]);
      }
    }
  }
}

PARE_DEVICE uint8_t finish(const ByteConvParams& p, int32_t sum, int32_t bias, float multiplier) {
  const auto whole = static_cast<int32_t>(static_cast<uint32_t>(sum) + static_cast<uint32_t>(bias));
  return static_cast<uint8_t>(requantized(whole, multiplier, p.y.zero_point, p.y.low, p.y.high));
}

template <bool kSigned, bool kDots>
PARE_KERNEL byte_conv_kernel(ByteConvParams p, const uint8_t* x, const int32_t* filters, const Tap* taps, const int32_t* bias,
                             const float* multipliers, uint8_t* y) {
  PARE_SHARED FourWords left[kTile * kRow / 4], right[kTile * kRow / 4];
  int32_t *filter_tile = left[0].at, *pixel_tile = right[0].at;
  const int64_t group = block_z(), first_filter = block_y() * kTile, first_pixel = block_x() * kTile;
  const Corner corner = corner_of(p.window, group, first_pixel + thread_index() % kTile);
  const Lane lane = lane_of();
  int32_t sums[2][4][4] = {};
  for (int k = 0; k < p.padded; k += kDepth) {
    load_filters(p, filters, group, first_filter, k, filter_tile);
    load_pixels(p, x, taps, corner, k, pixel_tile);
    sync_block();
    if constexpr (kDots) multiply_by_dots<kSigned>(filter_tile, pixel_tile, lane, sums);
    else multiply_on_tensor_cores<kSigned>(filter_tile, pixel_tile, lane, sums);
    sync_block();
  }
  const int64_t outputs = p.window.out_channels / p.window.groups;
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 4; ++j) {
      for (int c = 0; c < 4; ++c) {
        const int64_t filter = first_filter + lane.filter(i, c), pixel = first_pixel + lane.pixel(j, c);
        if (filter >= outputs || pixel >= static_cast<int64_t>(p.window.batch) * p.window.out_h * p.window.out_w) continue;
        const int64_t channel = group * outputs + filter;
        y[output_at(p.window, channel, pixel)] = finish(p, sums[i][j][c], bias[channel], multipliers[channel]);
      }
    }
  }
}

// One thread an output: few filters a group, or weights that do not fit int8.
template <class T>
PARE_KERNEL byte_conv_direct_kernel(ByteConvParams p, int64_t numel, const T* x, const int16_t* filters, const Tap* taps,
                                    const int32_t* bias, const float* multipliers, uint8_t* y) {
  const int64_t plane = static_cast<int64_t>(p.window.out_h) * p.window.out_w;
  for (int64_t i = first_index(); i < numel; i += index_step()) {
    const int64_t channel = i / plane % p.window.out_channels, pixel = i / plane / p.window.out_channels * plane + i % plane;
    const Corner corner = corner_of(p.window, channel / (p.window.out_channels / p.window.groups), pixel);
    int32_t sum = 0;
    for (int k = 0; k < p.depth; ++k) {
      if (is_inside(p.window, corner, taps[k])) {
        sum += (static_cast<int32_t>(x[corner.base + taps[k].offset]) - p.x_zero_point) * filters[channel * p.depth + k];
      }
    }
    y[i] = finish(p, sum, bias[channel], multipliers[channel]);
  }
}

template <bool kSigned, bool kDots>
void launch_byte_conv(Stream stream, const ByteConvParams& p, const Buffers& b) {
  const int64_t outputs = p.window.out_channels / p.window.groups;
  const Grid grid{(pixels_of(p.window) + kTile - 1) / kTile, (outputs + kTile - 1) / kTile, p.window.groups};
  launch(stream, grid, kThreads, true, byte_conv_kernel<kSigned, kDots>, p, b.in<uint8_t>(0), b.in<int32_t>(1), b.in<Tap>(2),
         b.in<int32_t>(3), b.in<float>(4), b.out<uint8_t>(5));
}

template <class T>
void launch_direct(Stream stream, const ByteConvParams& p, const Buffers& b) {
  const int64_t numel = pixels_of(p.window) * p.window.out_channels;
  launch(stream, grid_for(numel, kThreads), kThreads, false, byte_conv_direct_kernel<T>, p, numel, b.in<T>(0), b.in<int16_t>(1),
         b.in<Tap>(2), b.in<int32_t>(3), b.in<float>(4), b.out<uint8_t>(5));
}

}  // namespace

void run_byte_conv(Stream stream, const ByteConvParams& p, const Buffers& b) {
  const bool is_signed = p.x_element == Element::kI8;
  if (p.dot_products) return is_signed ? launch_byte_conv<true, true>(stream, p, b) : launch_byte_conv<false, true>(stream, p, b);
  return is_signed ? launch_byte_conv<true, false>(stream, p, b) : launch_byte_conv<false, false>(stream, p, b);
}

void run_byte_conv_direct(Stream stream, const ByteConvParams& p, const Buffers& b) {
  if (p.x_element == Element::kI8) launch_direct<int8_t>(stream, p, b);
  else launch_direct<uint8_t>(stream, p, b);
}

}  // namespace pare::cuda
