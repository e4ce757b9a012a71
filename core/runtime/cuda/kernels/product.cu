// Convolutions and products of matrices in float32: tiles through shared memory, fused multiply-adds in the order of the depth.
#include "core/runtime/cuda/kernels/kernels.h"
#include "core/runtime/cuda/kernels/window.h"

namespace pare::cuda {
namespace {

// A block makes kTile x kTile results, kDepth products deep at a time; a thread kSide x kSide of them.
constexpr int kTile = 64, kDepth = 16, kSide = 4, kAcross = kTile / kSide, kThreads = kAcross * kAcross;
constexpr int kRow = kTile + 4;

// `problem` says what stands left and right and takes the results:
//   Column column(c), float left(row, k), float right(k, column), store(row, c, sum), rows, columns, depth.
template <class Problem>
PARE_DEVICE void multiply_tiles(const Problem& problem) {
  PARE_SHARED float left[kDepth][kRow], right[kDepth][kRow];
  const int t = thread_index();
  const int64_t first_row = block_y() * kTile, first_column = block_x() * kTile;
  const auto column = problem.column(first_column + t % kTile);
  const bool has_column = first_column + t % kTile < problem.columns;
  float sums[kSide][kSide] = {};
  for (int64_t start = 0; start < problem.depth; start += kDepth) {
    for (int i = t; i < kTile * kDepth; i += kThreads) {
      const int64_t row = first_row + i / kDepth, k = start + i % kDepth;
      left[i % kDepth][i / kDepth] = row < problem.rows && k < problem.depth ? problem.left(row, k) : 0.0f;
      const int64_t deep = start + i / kTile;   // kThreads is a multiple of kTile: the column stays
      right[i / kTile][t % kTile] = has_column && deep < problem.depth ? problem.right(deep, column) : 0.0f;
    }
    sync_block();
    // What stands behind the depth would turn infinities into NaN.
    const int steps = problem.depth - start < kDepth ? static_cast<int>(problem.depth - start) : kDepth;
    for (int k = 0; k < steps; ++k) {
      const float *a = left[k] + t / kAcross * kSide, *b = right[k] + t % kAcross * kSide;
      for (int i = 0; i < kSide; ++i) {
        for (int j = 0; j < kSide; ++j) sums[i][j] = fmaf(a[i], b[j], sums[i][j]);
      }
    }
    sync_block();
  }
  for (int i = 0; i < kSide; ++i) {
    for (int j = 0; j < kSide; ++j) {
      const int64_t row = first_row + t / kAcross * kSide + i, at = first_column + t % kAcross * kSide + j;
      if (row < problem.rows && at < problem.columns) problem.store(row, at, sums[i][j]);
    }
  }
}

PARE_DEVICE void store_conv(const ConvParams& p, int64_t channel, int64_t pixel, float sum, const float* bias, const float* residual,
                            float* y) {
  const int64_t at = output_at(p.window, channel, pixel);
  if (bias) sum += bias[channel];
  if (residual) sum += residual[at];
  y[at] = sum < p.low ? p.low : sum > p.high ? p.high : sum;
}

struct ConvProblem {
  const ConvParams& p;
  const float *x, *filters;
  const Tap* taps;
  const float *bias, *residual;
  float* y;
  int64_t group, rows, columns, depth;

  PARE_DEVICE Corner column(int64_t pixel) const { return corner_of(p.window, group, pixel); }
  PARE_DEVICE float left(int64_t row, int64_t k) const { return filters[(group * rows + row) * depth + k]; }
  PARE_DEVICE float right(int64_t k, const Corner& corner) const {
    return is_inside(p.window, corner, taps[k]) ? x[corner.base + taps[k].offset] : 0.0f;
  }
  PARE_DEVICE void store(int64_t row, int64_t pixel, float sum) const {
    store_conv(p, group * rows + row, pixel, sum, bias, residual, y);
  }
};

PARE_KERNEL conv_kernel(ConvParams p, const float* x, const float* filters, const Tap* taps, const float* bias, const float* residual,
                        float* y) {
  const int64_t pixels = static_cast<int64_t>(p.window.batch) * p.window.out_h * p.window.out_w;
  multiply_tiles(ConvProblem{p, x, filters, taps, bias, residual, y, block_z(), p.window.out_channels / p.window.groups, pixels, p.depth});
}

// One thread an output: few filters a group.
PARE_KERNEL conv_direct_kernel(ConvParams p, int64_t numel, const float* x, const float* filters, const Tap* taps, const float* bias,
                               const float* residual, float* y) {
  const int64_t plane = static_cast<int64_t>(p.window.out_h) * p.window.out_w;
  for (int64_t i = first_index(); i < numel; i += index_step()) {
    const int64_t channel = i / plane % p.window.out_channels, pixel = i / plane / p.window.out_channels * plane + i % plane;
    const Corner corner = corner_of(p.window, channel / (p.window.out_channels / p.window.groups), pixel);
    float sum = 0.0f;
    for (int k = 0; k < p.depth; ++k) {
      // Padding is multiplied, too, as everywhere else: infinite weights give NaN.
      const float value = is_inside(p.window, corner, taps[k]) ? x[corner.base + taps[k].offset] : 0.0f;
      sum = fmaf(value, filters[channel * p.depth + k], sum);
    }
    store_conv(p, channel, pixel, sum, bias, residual, y);
  }
}

struct MatrixProblem {
  const ProductParams& p;
  const float *a, *b, *c;
  float* y;
  int64_t rows, columns, depth;

  PARE_DEVICE int64_t column(int64_t n) const { return n * p.b_n; }
  PARE_DEVICE float left(int64_t row, int64_t k) const { return a[row * p.a_m + k * p.a_k]; }
  PARE_DEVICE float right(int64_t k, int64_t column) const { return b[k * p.b_k + column]; }
  PARE_DEVICE void store(int64_t row, int64_t n, float sum) const {
    if (p.alpha != 1.0f) sum *= p.alpha;
    if (c) sum += p.beta * c[row * p.c_m + n * p.c_n];
    y[row * p.n + n] = sum;
  }
};

PARE_KERNEL product_kernel(ProductParams p, const float* a, const float* b, const float* c, float* y) {
  int64_t index = block_z();
  y += index * p.m * p.n;
  for (int d = p.batch.rank - 1; d >= 0; --d) {
    const int64_t at = index % p.batch.shape[d];
    index /= p.batch.shape[d];
    a += at * p.batch.strides[0][d];
    b += at * p.batch.strides[1][d];
  }
  multiply_tiles(MatrixProblem{p, a, b, c, y, p.m, p.n, p.k});
}

}  // namespace

void run_conv(Stream stream, const ConvParams& p, const Buffers& b) {
  constexpr int64_t kFewFilters = 8;
  const int64_t outputs = p.window.out_channels / p.window.groups, pixels = pixels_of(p.window);
  if (outputs < kFewFilters) {
    const int64_t numel = pixels * p.window.out_channels;
    return launch(stream, grid_for(numel, kThreads), kThreads, false, conv_direct_kernel, p, numel, b.in<float>(0), b.in<float>(1),
                  b.in<Tap>(2), b.in<float>(3), b.in<float>(4), b.out<float>(5));
  }
  const Grid grid{(pixels + kTile - 1) / kTile, (outputs + kTile - 1) / kTile, p.window.groups};
  launch(stream, grid, kThreads, true, conv_kernel, p, b.in<float>(0), b.in<float>(1), b.in<Tap>(2), b.in<float>(3), b.in<float>(4),
         b.out<float>(5));
}

void run_product(Stream stream, const ProductParams& p, const Buffers& b) {
  const Grid grid{(p.n + kTile - 1) / kTile, (p.m + kTile - 1) / kTile, p.products};
  launch(stream, grid, kThreads, true, product_kernel, p, b.in<float>(0), b.in<float>(1), b.in<float>(2), b.out<float>(3));
}

}  // namespace pare::cuda
