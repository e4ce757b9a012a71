#include <ATen/TensorOperators.h>
#include <ATen/ExpandUtils.h>
#include <ATen/core/Generator.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "core/model/tensor_bridge.h"
#include "core/model/torch_ops.h"

namespace pare {
namespace {

std::vector<int64_t> target_of(const TorchContext& context) {
  if (context.node.attrs.has("shape")) return context.node.attrs.integers("shape");
  const at::Tensor shape = context.inputs[1].to(at::kCPU, at::kLong).contiguous();
  return {shape.const_data_ptr<int64_t>(), shape.const_data_ptr<int64_t>() + shape.numel()};
}

at::Tensor reshape(const TorchContext& context) {
  const at::Tensor& x = context.inputs[0];
  auto target = target_of(context);
  if (context.node.attrs.integer("allowzero", 0) == 0) {
    for (size_t i = 0; i < target.size(); ++i)
      if (target[i] == 0) target[i] = x.size(static_cast<int64_t>(i));
  }
  return x.reshape(target);
}

at::Tensor flatten(const TorchContext& context) {
  const at::Tensor& x = context.inputs[0];
  const int64_t axis = from_front(context.node.attrs.integer("axis", 1), x.dim());
  int64_t rows = 1;
  for (int64_t d = 0; d < axis; ++d) rows *= x.size(d);
  return x.reshape({rows, rows == 0 ? 0 : x.numel() / rows});
}

// A Model gives every Squeeze its axes.
at::Tensor squeeze(const TorchContext& context) {
  return context.inputs[0].squeeze(context.node.attrs.integers("axes"));
}

at::Tensor unsqueeze(const TorchContext& context) {
  at::Tensor out = context.inputs[0];
  auto axes = context.node.attrs.integers("axes");
  for (int64_t& axis : axes) axis = from_front(axis, out.dim() + static_cast<int64_t>(axes.size()));
  std::sort(axes.begin(), axes.end());
  for (int64_t axis : axes) out = out.unsqueeze(axis);
  return out;
}

at::Tensor expand(const TorchContext& context) {
  const at::Tensor& x = context.inputs[0];
  return x.expand(at::infer_size(x.sizes(), target_of(context)));
}

at::Tensor shape_of(const TorchContext& context) {
  const at::Tensor& x = context.inputs[0];
  const auto clamp = [&](int64_t i) { return std::clamp<int64_t>(from_front(i, x.dim()), 0, x.dim()); };
  const int64_t start = clamp(context.node.attrs.integer("start", 0));
  const int64_t end = std::max(start, clamp(context.node.attrs.integer("end", x.dim())));
  const auto dims = x.sizes().slice(static_cast<size_t>(start), static_cast<size_t>(end - start));
  return at::tensor(dims, at::kLong).to(x.device());
}

at::Tensor cast(const TorchContext& context) {
  DType to = DType::kF32;
  parse_dtype(context.node.attrs.text("to", ""), to);
  return context.inputs[0].to(to_torch(to));
}

// Kept elements are scaled up in training, so that inference is the identity (Srivastava et al., JMLR 2014).
at::Tensor dropout(const TorchContext& context) {
  const at::Tensor& x = context.inputs[0];
  const double ratio = context.node.attrs.number("ratio", 0.5);
  if (!context.training || ratio <= 0.0) return x;
  if (ratio >= 1.0) return x * 0.0;
  at::Tensor kept = at::empty_like(x.detach());
  kept.bernoulli_(1.0 - ratio, *context.generator).mul_(1.0 / (1.0 - ratio));
  return x * kept;
}

}  // namespace

void add_shape_torch_ops(TorchOps& ops) {
  ops["Reshape"] = one(reshape);
  ops["Flatten"] = one(flatten);
  ops["Squeeze"] = one(squeeze);
  ops["Unsqueeze"] = one(unsqueeze);
  ops["Expand"] = one(expand);
  ops["Shape"] = one(shape_of);
  ops["Cast"] = one(cast);
  ops["Identity"] = unary([](const at::Tensor& x) { return x; });
  ops["Dropout"] = one(dropout);
}

}  // namespace pare
