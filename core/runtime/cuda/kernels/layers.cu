// Pools, means of planes, and functions of rows: softmax and norms. Sums in double, as in the reference.
#include "core/runtime/cuda/kernels/kernels.h"

namespace pare::cuda {
namespace {

constexpr int kThreads = 128;

PARE_DEVICE int64_t taps_before(int64_t limit, int64_t first, int64_t dilation, int64_t kernel) {
  if (limit <= first) return 0;
  const int64_t taps = (limit - first + dilation - 1) / dilation;
  return taps < kernel ? taps : kernel;
}

// Taps [top, bottom) x [left, right) of an output pixel's window lie inside the input; the first one at `row`, `column`.
struct Inside {
  int64_t row, column, top, bottom, left, right;
};

PARE_DEVICE Inside inside_of(const Window& w, int64_t pixel) {
  Inside in;
  in.row = pixel / w.out_w * w.stride_h - w.pad_top;
  in.column = pixel % w.out_w * w.stride_w - w.pad_left;
  in.top = taps_before(0, in.row, w.dilation_h, w.kernel_h);
  in.bottom = taps_before(w.in_h, in.row, w.dilation_h, w.kernel_h);
  in.left = taps_before(0, in.column, w.dilation_w, w.kernel_w);
  in.right = taps_before(w.in_w, in.column, w.dilation_w, w.kernel_w);
  return in;
}

template <class T>
PARE_KERNEL max_pool_kernel(PoolParams p, int64_t numel, T lowest, const T* x, T* y) {
  const Window& w = p.window;
  const int64_t out_plane = static_cast<int64_t>(w.out_h) * w.out_w, in_plane = static_cast<int64_t>(w.in_h) * w.in_w;
  for (int64_t i = first_index(); i < numel; i += index_step()) {
    const Inside in = inside_of(w, i % out_plane);
    const T* plane = x + i / out_plane * in_plane;
    T best = lowest;
    for (int64_t r = in.top; r < in.bottom; ++r) {
      for (int64_t c = in.left; c < in.right; ++c) {
        const T value = plane[(in.row + r * w.dilation_h) * w.in_w + in.column + c * w.dilation_w];
        if (value > best || value != value) best = value;
      }
    }
    y[i] = best;
  }
}

PARE_KERNEL average_pool_kernel(PoolParams p, int64_t numel, const float* x, float* y) {
  const Window& w = p.window;
  const int64_t out_plane = static_cast<int64_t>(w.out_h) * w.out_w, in_plane = static_cast<int64_t>(w.in_h) * w.in_w;
  for (int64_t i = first_index(); i < numel; i += index_step()) {
    const Inside in = inside_of(w, i % out_plane);
    const float* plane = x + i / out_plane * in_plane;
    double sum = 0.0;
    for (int64_t r = in.top; r < in.bottom; ++r) {
      for (int64_t c = in.left; c < in.right; ++c) {
        sum += plane[(in.row + r * w.dilation_h) * w.in_w + in.column + c * w.dilation_w];
      }
    }
    const int64_t padded = taps_before(w.in_h + w.pad_bottom, in.row, w.dilation_h, w.kernel_h) *
                           taps_before(w.in_w + w.pad_right, in.column, w.dilation_w, w.kernel_w);
    const int64_t count = p.count_pads ? padded : (in.bottom - in.top) * (in.right - in.left);
    y[i] = count > 0 ? static_cast<float>(sum / static_cast<double>(count)) : 0.0f;
  }
}

PARE_DEVICE double block_sum(double value) {
  PARE_SHARED double parts[kThreads];
  parts[thread_index()] = value;
  sync_block();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (thread_index() < half) parts[thread_index()] += parts[thread_index() + half];
    sync_block();
  }
  const double sum = parts[0];
  sync_block();
  return sum;
}

PARE_DEVICE float block_max(float value) {
  PARE_SHARED float parts[kThreads];
  parts[thread_index()] = value;
  sync_block();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    const int t = thread_index();
    if (t < half && parts[t] < parts[t + half]) parts[t] = parts[t + half];
    sync_block();
  }
  const float top = parts[0];
  sync_block();
  return top;
}

// Sums of bytes are integers below 2^53: exact in double in any order.
template <class T>
PARE_KERNEL plane_mean_kernel(PlaneMeanParams p, const T* x, void* y) {
  for (int64_t plane = block_x(); plane < p.planes; plane += grid_x()) {
    double sum = 0.0;
    for (int64_t i = thread_index(); i < p.size; i += block_size()) {
      sum += static_cast<double>(x[plane * p.size + i]) - p.x_zero_point;
    }
    sum = block_sum(sum);
    if (thread_index() != 0) continue;
    if (p.element == Element::kF32) {
      static_cast<float*>(y)[plane] = static_cast<float>(sum / static_cast<double>(p.size));
    } else {
      static_cast<uint8_t*>(y)[plane] = static_cast<uint8_t>(
          requantized(static_cast<int32_t>(sum), p.multiplier, p.y.zero_point, p.y.low, p.y.high));
    }
  }
}

PARE_DEVICE void softmax_row(const RowParams& p, const float* x, float* y) {
  float top = -INFINITY;
  for (int64_t i = thread_index(); i < p.extent; i += block_size()) top = top < x[i * p.inner] ? x[i * p.inner] : top;
  top = block_max(top);
  double sum = 0.0;
  for (int64_t i = thread_index(); i < p.extent; i += block_size()) sum += expf(x[i * p.inner] - top);
  sum = block_sum(sum);
  const auto log_sum = static_cast<float>(log(sum));
  for (int64_t i = thread_index(); i < p.extent; i += block_size()) {
    const float shifted = x[i * p.inner] - top;
    y[i * p.inner] = p.function == RowFunction::kLogSoftmax ? shifted - log_sum : static_cast<float>(expf(shifted) / sum);
  }
}

PARE_DEVICE void norm_row(const RowParams& p, const float* x, const float* scale, const float* shift, float* y) {
  double mean = 0.0, square = 0.0;
  if (p.function == RowFunction::kLayerNorm) {
    for (int64_t i = thread_index(); i < p.extent; i += block_size()) mean += x[i];
    mean = block_sum(mean) / static_cast<double>(p.extent);
  }
  for (int64_t i = thread_index(); i < p.extent; i += block_size()) square += (x[i] - mean) * (x[i] - mean);
  const double inverse = 1.0 / sqrt(block_sum(square) / static_cast<double>(p.extent) + p.epsilon);
  for (int64_t i = thread_index(); i < p.extent; i += block_size()) {
    y[i] = static_cast<float>((x[i] - mean) * inverse * scale[i] + (shift ? shift[i] : 0.0f));
  }
}

PARE_KERNEL rows_kernel(RowParams p, const float* x, const float* scale, const float* shift, float* y) {
  const bool softmax = p.function == RowFunction::kSoftmax || p.function == RowFunction::kLogSoftmax;
  for (int64_t row = block_x(); row < p.rows; row += grid_x()) {
    const int64_t start = row / p.inner * p.extent * p.inner + row % p.inner;
    if (softmax) softmax_row(p, x + start, y + start);
    else norm_row(p, x + start, scale, shift, y + start);
  }
}

int64_t outputs_of(const Window& w) { return static_cast<int64_t>(w.batch) * w.out_channels * w.out_h * w.out_w; }

template <class T>
void launch_max_pool(Stream stream, const PoolParams& p, T lowest, const Buffers& b) {
  const int64_t numel = outputs_of(p.window);
  launch(stream, grid_for(numel, kThreads), kThreads, false, max_pool_kernel<T>, p, numel, lowest, b.in<T>(0), b.out<T>(1));
}

template <class T>
void launch_plane_mean(Stream stream, const PlaneMeanParams& p, const Buffers& b) {
  launch(stream, grid_for(p.planes, 1), kThreads, true, plane_mean_kernel<T>, p, b.in<T>(0), b.out<void>(1));
}

}  // namespace

void run_max_pool(Stream stream, const PoolParams& p, const Buffers& b) {
  if (p.element == Element::kF32) launch_max_pool<float>(stream, p, -INFINITY, b);
  else if (p.element == Element::kU8) launch_max_pool<uint8_t>(stream, p, uint8_t{0}, b);
  else launch_max_pool<int8_t>(stream, p, int8_t{-128}, b);
}

void run_average_pool(Stream stream, const PoolParams& p, const Buffers& b) {
  const int64_t numel = outputs_of(p.window);
  launch(stream, grid_for(numel, kThreads), kThreads, false, average_pool_kernel, p, numel, b.in<float>(0), b.out<float>(1));
}

void run_plane_mean(Stream stream, const PlaneMeanParams& p, const Buffers& b) {
  if (p.element == Element::kF32) launch_plane_mean<float>(stream, p, b);
  else if (p.element == Element::kU8) launch_plane_mean<uint8_t>(stream, p, b);
  else launch_plane_mean<int8_t>(stream, p, b);
}

void run_rows(Stream stream, const RowParams& p, const Buffers& b) {
  launch(stream, grid_for(p.rows, 1), kThreads, true, rows_kernel, p, b.in<float>(0), b.in<float>(1), b.in<float>(2), b.out<float>(3));
}

}  // namespace pare::cuda
