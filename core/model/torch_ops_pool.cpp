#include <ATen/TensorOperators.h>
#include <ATen/ops/avg_pool1d.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/avg_pool3d.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/max_pool1d.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/max_pool3d.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>

#include <algorithm>
#include <limits>

#include "core/model/torch_ops.h"

namespace pare {
namespace {

// libtorch pools pad by half the kernel at most, the same on both sides.
bool fits_torch(const TorchWindow& window) {
  bool out = window.symmetric();
  for (size_t i = 0; i < window.dims(); ++i) out = out && 2 * window.begins[i] <= window.kernel[i];
  return out;
}

at::Tensor max_pool(const at::Tensor& x, const TorchWindow& w, const std::vector<int64_t>& pads, bool round_up) {
  if (w.dims() == 1) return at::max_pool1d(x, w.kernel, w.strides, pads, w.dilations, round_up);
  if (w.dims() == 2) return at::max_pool2d(x, w.kernel, w.strides, pads, w.dilations, round_up);
  PARE_CHECK(w.dims() == 3, ModelError, "[pool] expected 1 to 3 spatial dims, got {}", w.dims());
  return at::max_pool3d(x, w.kernel, w.strides, pads, w.dilations, round_up);
}

at::Tensor max_pool(const TorchContext& context) {
  const TorchWindow window = read_torch_window(context.node.attrs, context.node.attrs.integers("kernel_shape"));
  if (fits_torch(window)) return max_pool(context.inputs[0], window, window.begins, window.round_up);
  const at::Tensor padded = window.padded(context.inputs[0], -std::numeric_limits<double>::infinity());
  return max_pool(padded, window, std::vector<int64_t>(window.dims(), 0), false);
}

// Sums of windows over counts of what they hold: any pads and dilations.
at::Tensor average_by_sums(const at::Tensor& x, const TorchWindow& window, bool count_pads) {
  const int64_t channels = x.size(1);
  std::vector<int64_t> kernel = {channels, 1};
  kernel.insert(kernel.end(), window.kernel.begin(), window.kernel.end());
  const at::Tensor filter = at::ones(kernel, x.options());
  const std::vector<int64_t> zeros(window.dims(), 0);
  const auto sums = [&](const at::Tensor& padded) {
    return at::convolution(padded, filter, {}, window.strides, zeros, window.dilations, false, zeros, channels);
  };
  const at::Tensor padded = window.padded(x, 0.0);
  const at::Tensor inside = at::ones_like(x.detach());
  if (!count_pads) return sums(padded) / sums(window.padded(inside, 0.0));
  // Pads count, what a rounded-up last window reaches behind them does not.
  std::vector<int64_t> pads, behind;
  for (size_t i = window.dims(); i-- > 0;) {
    const auto dim = static_cast<int64_t>(i) + 2;
    pads.insert(pads.end(), {window.begins[i], window.ends[i]});
    behind.insert(behind.end(), {0, padded.size(dim) - x.size(dim) - window.begins[i] - window.ends[i]});
  }
  return sums(padded) / sums(at::constant_pad_nd(at::constant_pad_nd(inside, pads, 1.0), behind, 0.0));
}

at::Tensor average_pool(const TorchContext& context) {
  const at::Tensor& x = context.inputs[0];
  const TorchWindow w = read_torch_window(context.node.attrs, context.node.attrs.integers("kernel_shape"));
  const bool count_pads = context.node.attrs.integer("count_include_pad", 0) != 0;
  const bool dilated = std::any_of(w.dilations.begin(), w.dilations.end(), [](int64_t d) { return d != 1; });
  if (dilated || !fits_torch(w)) return average_by_sums(x, w, count_pads);
  if (w.dims() == 1) return at::avg_pool1d(x, w.kernel, w.strides, w.begins, w.round_up, count_pads);
  if (w.dims() == 2) return at::avg_pool2d(x, w.kernel, w.strides, w.begins, w.round_up, count_pads);
  PARE_CHECK(w.dims() == 3, ModelError, "[pool] expected 1 to 3 spatial dims, got {}", w.dims());
  return at::avg_pool3d(x, w.kernel, w.strides, w.begins, w.round_up, count_pads);
}

at::Tensor global_average_pool(const TorchContext& context) {
  std::vector<int64_t> dims;
  for (int64_t d = 2; d < context.inputs[0].dim(); ++d) dims.push_back(d);
  return at::mean(context.inputs[0], dims, /*keepdim=*/true);
}

}  // namespace

void add_pool_torch_ops(TorchOps& ops) {
  ops["MaxPool"] = one([](const TorchContext& context) { return max_pool(context); });
  ops["AveragePool"] = one(average_pool);
  ops["GlobalAveragePool"] = one(global_average_pool);
}

}  // namespace pare
