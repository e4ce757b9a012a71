#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include <algorithm>

#include "core/model/torch_ops.h"

namespace pare {
namespace {

at::Tensor select(const at::Tensor& x, int64_t dim, const std::vector<int64_t>& indices) {
  return x.index_select(dim, at::tensor(indices, at::kLong).to(x.device()));
}

// Backward walk of a slice: libtorch has forward ones only.
at::Tensor backward_slice(const at::Tensor& x, int64_t dim, int64_t start, int64_t end, int64_t step) {
  const int64_t extent = x.size(dim);
  const auto position = [extent](int64_t i) { return i < 0 ? std::max<int64_t>(i, -extent - 1) + extent : i; };
  std::vector<int64_t> indices;
  const int64_t last = std::clamp<int64_t>(position(end), -1, extent - 1);
  for (int64_t i = std::clamp<int64_t>(position(start), -1, extent - 1); i > last; i += step) indices.push_back(i);
  return select(x, dim, indices);
}

at::Tensor slice(const TorchContext& context) {
  const Attrs& attrs = context.node.attrs;
  const auto starts = attrs.integers("starts"), ends = attrs.integers("ends");
  std::vector<int64_t> first;
  for (size_t i = 0; i < starts.size(); ++i) first.push_back(static_cast<int64_t>(i));
  const auto axes = attrs.integers("axes", first);
  const auto steps = attrs.integers("steps", std::vector<int64_t>(starts.size(), 1));
  at::Tensor out = context.inputs[0];
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t dim = from_front(axes[i], out.dim());
    out = steps[i] > 0 ? out.slice(dim, starts[i], ends[i], steps[i])
                       : backward_slice(out, dim, starts[i], ends[i], steps[i]);
  }
  return out;
}

std::vector<at::Tensor> split(const TorchContext& context) {
  const at::Tensor& x = context.inputs[0];
  const int64_t dim = from_front(context.node.attrs.integer("axis", 0), x.dim());
  const int64_t parts = static_cast<int64_t>(context.outputs), total = x.size(dim);
  std::vector<int64_t> sizes(context.outputs, (total + parts - 1) / parts);
  sizes.back() = total - sizes.front() * (parts - 1);
  return x.split_with_sizes(context.node.attrs.integers("split", sizes), dim);
}

at::Tensor gather(const TorchContext& context) {
  const at::Tensor& x = context.inputs[0];
  const int64_t axis = from_front(context.node.attrs.integer("axis", 0), x.dim());
  at::Tensor indices = context.inputs[1].to(at::kLong);
  indices = at::where(indices < 0, indices + x.size(axis), indices);
  if (axis == 0 && x.dim() == 2) return at::embedding(x, indices);
  std::vector<int64_t> shape = x.sizes().slice(0, static_cast<size_t>(axis)).vec();
  shape.insert(shape.end(), indices.sizes().begin(), indices.sizes().end());
  const auto rest = x.sizes().slice(static_cast<size_t>(axis) + 1);
  shape.insert(shape.end(), rest.begin(), rest.end());
  return x.index_select(axis, indices.reshape({-1})).reshape(shape);
}

// Source index of each padded position; negative pads crop.
std::vector<int64_t> pad_indices(int64_t extent, int64_t begin, int64_t end, bool reflect) {
  std::vector<int64_t> out;
  const int64_t period = std::max<int64_t>(2 * (extent - 1), 1);
  for (int64_t i = -begin; i < extent + end; ++i) {
    if (!reflect) {
      out.push_back(std::clamp<int64_t>(i, 0, extent - 1));
      continue;
    }
    const int64_t phase = ((i % period) + period) % period;
    out.push_back(phase < extent ? phase : period - phase);
  }
  return out;
}

at::Tensor pad(const TorchContext& context) {
  const Attrs& attrs = context.node.attrs;
  at::Tensor out = context.inputs[0];
  const auto pads = attrs.integers("pads");
  const std::string mode = attrs.text("mode", "constant");
  const auto rank = static_cast<size_t>(out.dim());
  if (mode == "constant") {
    std::vector<int64_t> torch_pads;  // last dim first
    for (size_t d = rank; d-- > 0;) torch_pads.insert(torch_pads.end(), {pads[d], pads[d + rank]});
    return at::constant_pad_nd(out, torch_pads, attrs.number("value", 0.0));
  }
  for (size_t d = 0; d < rank; ++d) {
    const auto dim = static_cast<int64_t>(d);
    if (pads[d] || pads[d + rank])
      out = select(out, dim, pad_indices(out.size(dim), pads[d], pads[d + rank], mode == "reflect"));
  }
  return out;
}

at::Tensor transpose(const TorchContext& context) {
  std::vector<int64_t> reversed;
  for (int64_t d = context.inputs[0].dim(); d-- > 0;) reversed.push_back(d);
  return context.inputs[0].permute(context.node.attrs.integers("perm", reversed));
}

at::Tensor depth_to_space(const TorchContext& context) {
  const at::Tensor& x = context.inputs[0];
  const int64_t block = context.node.attrs.integer("blocksize");
  if (context.node.attrs.text("mode", "DCR") == "CRD") return at::pixel_shuffle(x, block);
  const int64_t n = x.size(0), channels = x.size(1) / (block * block), h = x.size(2), w = x.size(3);
  return x.reshape({n, block, block, channels, h, w}).permute({0, 3, 4, 1, 5, 2}).reshape({n, channels, h * block, w * block});
}

}  // namespace

void add_movement_torch_ops(TorchOps& ops) {
  ops["Concat"] = one([](const TorchContext& c) { return at::cat(c.inputs, c.node.attrs.integer("axis")); });
  ops["Slice"] = one(slice);
  ops["Split"] = split;
  ops["Gather"] = one(gather);
  ops["Pad"] = one(pad);
  ops["Transpose"] = one(transpose);
  ops["Tile"] = one([](const TorchContext& c) { return c.inputs[0].repeat(c.node.attrs.integers("repeats")); });
  ops["DepthToSpace"] = one(depth_to_space);
}

}  // namespace pare
