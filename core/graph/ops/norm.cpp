// BatchNormalization     x [N, C, ...], scale, bias, mean, var [C]; epsilon (1e-5), momentum (0.9: the share of the old
//                        running statistics that training keeps, one minus PyTorch's). Inference semantics here.
// InstanceNormalization  x [N, C, d...], scale, bias [C]; epsilon (1e-5)
// GroupNormalization     x [N, C, ...], scale, bias [C]; num_groups (required), epsilon (1e-5)
// LayerNormalization     x, scale, bias?; axis (-1), epsilon (1e-5). scale and bias have the dims of x from axis on
// RMSNormalization       x, scale; axis (-1), epsilon (1e-5)
#include "core/graph/ops/rules.h"

namespace pare {
namespace {

void infer_per_channel(InferContext& context) {
  static constexpr const char* kWhat[] = {"", "scale size", "bias size", "mean size", "variance size"};
  expect_min_rank(context, 0, 2);
  for (size_t i = 1; i < context.node().inputs.size(); ++i)
    expect_vector(context, i, kWhat[i], context.shape(0)[1]);
  same_as_input(context);
}

void infer_group(InferContext& context) {
  infer_per_channel(context);
  const int64_t groups = context.attrs().integer("num_groups");
  if (groups < 1 || !context.shape(0)[1].exact_div(Dim(groups)))
    context.fail(fmt("{} channels do not split into {} groups", context.shape(0)[1], groups));
}

void infer_trailing(InferContext& context) {
  const DimShape& x = context.shape(0);
  const size_t axis = wrap_axis(context, context.attrs().integer("axis", -1), x.size());
  const DimShape wanted(x.begin() + static_cast<std::ptrdiff_t>(axis), x.end());
  for (size_t i = 1; i < context.node().inputs.size(); ++i) {
    if (context.has_input(i) && context.shape(i) != wanted)
      context.fail(fmt("expected shape {} of input {}, got {}", wanted, i, context.shape(i)));
  }
  same_as_input(context);
}

}  // namespace

void add_norm_ops(OpTable& ops) {
  const AttrSpec epsilon = {"epsilon", AttrType::kFloat};
  ops.add({.name = "BatchNormalization", .min_inputs = 5, .max_inputs = 5,
           .attrs = {epsilon, {"momentum", AttrType::kFloat}}, .infer = infer_per_channel});
  ops.add({.name = "InstanceNormalization", .min_inputs = 3, .max_inputs = 3, .attrs = {epsilon},
           .infer = infer_per_channel});
  ops.add({.name = "GroupNormalization", .min_inputs = 3, .max_inputs = 3,
           .attrs = {epsilon, {"num_groups", AttrType::kInt, true}}, .infer = infer_group});
  ops.add({.name = "LayerNormalization", .min_inputs = 2, .max_inputs = 3, .attrs = {epsilon, {"axis", AttrType::kInt}},
           .infer = infer_trailing});
  ops.add({.name = "RMSNormalization", .min_inputs = 2, .max_inputs = 2, .attrs = {epsilon, {"axis", AttrType::kInt}},
           .infer = infer_trailing});
}

}  // namespace pare
