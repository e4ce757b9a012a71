#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>

#include "core/model/torch_ops.h"

namespace pare {

TorchWindow read_torch_window(const Attrs& attrs, std::vector<int64_t> kernel) {
  TorchWindow out;
  const size_t dims = kernel.size();
  const std::vector<int64_t> ones(dims, 1), zeros(2 * dims, 0);
  out.strides = attrs.integers("strides", ones);
  out.dilations = attrs.integers("dilations", ones);
  const auto pads = attrs.integers("pads", zeros);
  const auto middle = pads.begin() + static_cast<std::ptrdiff_t>(dims);
  out.begins.assign(pads.begin(), middle);
  out.ends.assign(middle, pads.end());
  out.round_up = attrs.integer("ceil_mode", 0) != 0;
  out.kernel = std::move(kernel);
  return out;
}

int64_t TorchWindow::extent(size_t i, int64_t input) const {
  const int64_t reach = dilations[i] * (kernel[i] - 1) + 1;
  const int64_t room = input + begins[i] + ends[i] - reach;
  if (!round_up) return room / strides[i] + 1;
  const int64_t out = (room + strides[i] - 1) / strides[i] + 1;
  return (out - 1) * strides[i] >= input + begins[i] ? out - 1 : out;
}

at::Tensor TorchWindow::padded(const at::Tensor& x, double value) const {
  std::vector<int64_t> pads;  // libtorch's order: last dim first
  for (size_t i = dims(); i-- > 0;) {
    const int64_t input = x.size(static_cast<int64_t>(i) + 2);
    const int64_t reach = dilations[i] * (kernel[i] - 1) + 1;
    const int64_t needed = (extent(i, input) - 1) * strides[i] + reach - input - begins[i];
    pads.push_back(begins[i]);
    pads.push_back(std::max(ends[i], needed));
  }
  return at::constant_pad_nd(x, pads, value);
}

namespace {

at::Tensor conv(const TorchContext& context) {
  const at::Tensor& w = context.inputs[1];
  const TorchWindow window = read_torch_window(context.node.attrs, w.sizes().slice(2).vec());
  const int64_t group = context.node.attrs.integer("group", 1);
  const std::vector<int64_t> zeros(window.dims(), 0);
  if (window.symmetric())
    return at::convolution(context.inputs[0], w, input(context, 2), window.strides, window.begins, window.dilations,
                           /*transposed=*/false, zeros, group);
  return at::convolution(window.padded(context.inputs[0], 0.0), w, input(context, 2), window.strides, zeros,
                         window.dilations, /*transposed=*/false, zeros, group);
}

at::Tensor conv_transpose(const TorchContext& context) {
  const at::Tensor& w = context.inputs[1];
  const TorchWindow window = read_torch_window(context.node.attrs, w.sizes().slice(2).vec());
  const std::vector<int64_t> zeros(window.dims(), 0);
  const bool symmetric = window.symmetric();
  at::Tensor out = at::convolution(context.inputs[0], w, input(context, 2), window.strides,
                                   symmetric ? window.begins : zeros, window.dilations, /*transposed=*/true,
                                   context.node.attrs.integers("output_padding", zeros),
                                   context.node.attrs.integer("group", 1));
  if (symmetric) return out;
  for (size_t i = 0; i < window.dims(); ++i) {
    const auto dim = static_cast<int64_t>(i) + 2;
    out = out.narrow(dim, window.begins[i], out.size(dim) - window.begins[i] - window.ends[i]);
  }
  return out;
}

at::Tensor gemm(const TorchContext& context) {
  const Attrs& attrs = context.node.attrs;
  const double alpha = attrs.number("alpha", 1.0), beta = attrs.number("beta", 1.0);
  const bool trans_a = attrs.integer("transA", 0) != 0, trans_b = attrs.integer("transB", 0) != 0;
  const at::Tensor a = trans_a ? context.inputs[0].t() : context.inputs[0];
  const at::Tensor c = input(context, 2);
  if (trans_b && alpha == 1.0 && (!c.defined() || (beta == 1.0 && c.dim() == 1)))
    return at::linear(a, context.inputs[1], c);
  const at::Tensor b = trans_b ? context.inputs[1].t() : context.inputs[1];
  if (c.defined()) return at::addmm(c, a, b, beta, alpha);
  const at::Tensor product = at::matmul(a, b);
  return alpha == 1.0 ? product : product * alpha;
}

}  // namespace

void add_conv_torch_ops(TorchOps& ops) {
  ops["Conv"] = one(conv);
  ops["ConvTranspose"] = one(conv_transpose);
  ops["Gemm"] = one(gemm);
  ops["MatMul"] = one([](const TorchContext& c) { return at::matmul(c.inputs[0], c.inputs[1]); });
}

}  // namespace pare
