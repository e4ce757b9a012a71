#pragma once
// Transforms of Winograd's F(4x4, 3x3) over lanes of tiles (Lavin and Gray, CVPR 2016): a tile of 6 x 6 inputs gives 4
// x 4 outputs by 36 products instead of 144. The polynomials are read at 0, +-sqrt(1/2), +-sqrt(2) and infinity, where
// rounding errors grow less than at 0, +-1, +-2 and infinity (Barabasz et al., ACM TOMS 2020).

#include "core/runtime/kernels/x86/micro_kernels.h"

namespace pare::x86 {

constexpr float kRootTwo = 1.41421356237309505f;

// One row of B^T d: six inputs, `step` vectors apart, to six results.
template <class V>
void transform_input_line(const typename V::Float* d, int step, typename V::Float* out) {
  const auto root = V::broadcast(kRootTwo), minus_root = V::broadcast(-kRootTwo), half_root = V::broadcast(kRootTwo / 2),
             minus_half_root = V::broadcast(-kRootTwo / 2), sum = V::broadcast(-2.5f), two = V::broadcast(-2.0f),
             half = V::broadcast(-0.5f);
  const auto d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  const auto near_even = V::multiply_add(two, d2, d4), near_odd = V::multiply_add(two, d1, d3);
  const auto far_even = V::multiply_add(half, d2, d4), far_odd = V::multiply_add(half, d1, d3);
  out[0] = V::add(d0, V::multiply_add(sum, d2, d4));
  out[step] = V::multiply_add(half_root, near_odd, near_even);
  out[2 * step] = V::multiply_add(minus_half_root, near_odd, near_even);
  out[3 * step] = V::multiply_add(root, far_odd, far_even);
  out[4 * step] = V::multiply_add(minus_root, far_odd, far_even);
  out[5 * step] = V::add(d1, V::multiply_add(sum, d3, d5));
}

template <class V>
void winograd_input(const float* taps, int64_t out_step, float* out) {
  constexpr int kWidth = V::kFloats;
  for (int v = 0; v < 2; ++v) {
    typename V::Float d[36], t[36], r[36];
#pragma GCC unroll 36
    for (int i = 0; i < 36; ++i) d[i] = V::load(taps + (2 * i + v) * kWidth);
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) transform_input_line<V>(d + j, 6, t + j);
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i) transform_input_line<V>(t + 6 * i, 1, r + 6 * i);
#pragma GCC unroll 36
    for (int i = 0; i < 36; ++i) V::store(out + i * out_step + v * kWidth, r[i]);
  }
}

// One row of A^T m: six sums, `step` apart, to four results, `out_step` apart.
template <class V>
void transform_output_line(const typename V::Float* m, int step, typename V::Float* out, int out_step) {
  const auto minus_one = V::broadcast(-1.0f), half = V::broadcast(0.5f), two = V::broadcast(2.0f), eight = V::broadcast(8.0f),
             half_root = V::broadcast(kRootTwo / 2), quarter_root = V::broadcast(kRootTwo / 4);
  const auto near_sum = V::add(m[step], m[2 * step]), near_gap = V::multiply_add(minus_one, m[2 * step], m[step]);
  const auto far_sum = V::add(m[3 * step], m[4 * step]), far_gap = V::multiply_add(minus_one, m[4 * step], m[3 * step]);
  out[0] = V::add(m[0], V::add(near_sum, far_sum));
  out[out_step] = V::multiply(half_root, V::multiply_add(two, far_gap, near_gap));
  out[2 * out_step] = V::multiply_add(two, far_sum, V::multiply(half, near_sum));
  out[3 * out_step] = V::multiply_add(quarter_root, V::multiply_add(eight, far_gap, near_gap), m[5 * step]);
}

// Writes one tile's 4 x 4 results, cut at the plane's end. `block`: rows `block_row` apart.
template <class V>
void store_tile(const WinogradOutput& o, int64_t tile, const float* block, int64_t block_row) {
  const int64_t top = tile / o.tiles_w * 4, left = tile % o.tiles_w * 4;
  const int64_t rows = o.height - top < 4 ? o.height - top : 4, columns = o.width - left < 4 ? o.width - left : 4;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t place = (top + r) * o.width + left;
    V::store_quad(o.out + place, V::load_quad(block + r * block_row, 4),
                  o.residual ? V::load_quad(o.residual + place, static_cast<int>(columns)) : V::no_quad(), o.low,
                  o.high, static_cast<int>(columns));
  }
}

template <class V>
void winograd_output(const WinogradOutput& o) {
  constexpr int kWidth = V::kFloats;
  const auto start = V::broadcast(o.start);
  for (int v = 0; v < 2 && v * kWidth < o.count; ++v) {
    typename V::Float m[36], t[24], y[16];
#pragma GCC unroll 36
    for (int i = 0; i < 36; ++i) m[i] = V::load(o.sums + i * o.step + v * kWidth);
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) transform_output_line<V>(m + j, 6, t + j, 6);
    float block[4 * 4 * kWidth];  // [row][tile][4]
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      transform_output_line<V>(t + 6 * r, 1, y + 4 * r, 1);
      V::store_interleaved(block + r * 4 * kWidth, V::add(y[4 * r], start), V::add(y[4 * r + 1], start),
                           V::add(y[4 * r + 2], start), V::add(y[4 * r + 3], start));
    }
    for (int lane = 0; lane < kWidth && v * kWidth + lane < o.count; ++lane) {
      store_tile<V>(o, o.first + v * kWidth + lane, block + 4 * lane, 4 * kWidth);
    }
  }
}

}  // namespace pare::x86
