#include <ATen/ops/batch_norm.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/instance_norm.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/rms_norm.h>

#include "core/model/torch_ops.h"

namespace pare {
namespace {

constexpr double kEpsilon = 1e-5;

double epsilon_of(const TorchContext& context) { return context.node.attrs.number("epsilon", kEpsilon); }

// In training: batch statistics, and running = momentum * running + (1 - momentum) * batch with the unbiased variance,
// as torch.nn.BatchNorm2d does (its momentum is one minus ONNX's).
at::Tensor batch_norm(const TorchContext& context) {
  const auto& in = context.inputs;
  const double share = 1.0 - context.node.attrs.number("momentum", 0.9);
  return at::batch_norm(in[0], in[1], in[2], in[3], in[4], context.training, share, epsilon_of(context), true);
}

at::Tensor instance_norm(const TorchContext& context) {
  const auto& in = context.inputs;
  return at::instance_norm(in[0], in[1], in[2], {}, {}, /*use_input_stats=*/true, 0.0, epsilon_of(context), true);
}

at::Tensor group_norm(const TorchContext& context) {
  const auto& in = context.inputs;
  return at::group_norm(in[0], context.node.attrs.integer("num_groups"), in[1], in[2], epsilon_of(context), true);
}

at::IntArrayRef trailing(const TorchContext& context) {
  const at::Tensor& x = context.inputs[0];
  return x.sizes().slice(static_cast<size_t>(from_front(context.node.attrs.integer("axis", -1), x.dim())));
}

at::Tensor layer_norm(const TorchContext& context) {
  return at::layer_norm(context.inputs[0], trailing(context), context.inputs[1], input(context, 2), epsilon_of(context));
}

at::Tensor rms_norm(const TorchContext& context) {
  return at::rms_norm(context.inputs[0], trailing(context), context.inputs[1], epsilon_of(context));
}

}  // namespace

void add_norm_torch_ops(TorchOps& ops) {
  ops["BatchNormalization"] = one(batch_norm);
  ops["InstanceNormalization"] = one(instance_norm);
  ops["GroupNormalization"] = one(group_norm);
  ops["LayerNormalization"] = one(layer_norm);
  ops["RMSNormalization"] = one(rms_norm);
}

}  // namespace pare
