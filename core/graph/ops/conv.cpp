// Conv           x [N, C, d...], w [M, C/group, k...], b [M]?      -> [N, M, e...]
// ConvTranspose  x [N, C, d...], w [C, M/group, k...], b [M]?      -> [N, M, e...]
//   group (1), strides (1s), dilations (1s), pads (0s: begins, then ends), kernel_shape (that of w)
//   ConvTranspose also output_padding (0s). auto_pad and output_shape are resolved by importers.
#include <algorithm>

#include "core/graph/ops/rules.h"

namespace pare {
namespace {

std::vector<int64_t> kernel_of_weight(const InferContext& context) {
  const DimShape& w = context.shape(1);
  std::vector<int64_t> kernel;
  for (size_t i = 2; i < w.size(); ++i) kernel.push_back(w[i].value());
  const auto declared = context.attrs().integers("kernel_shape", kernel);
  if (declared != kernel) context.fail(fmt("expected kernel_shape {} as in the weight, got {}", kernel, declared));
  return kernel;
}

Dim group_of(const InferContext& context) {
  const int64_t group = context.attrs().integer("group", 1);
  if (group < 1) context.fail(fmt("expected group >= 1, got {}", group));
  return group;
}

void check_operands(const InferContext& context) {
  expect_min_rank(context, 0, 3);
  expect_rank(context, 1, context.shape(0).size());
}

void infer_conv(InferContext& context) {
  check_operands(context);
  const DimShape& x = context.shape(0);
  const DimShape& w = context.shape(1);
  const Dim group = group_of(context);
  expect_dim(context, "input channels", w[1] * group, x[1]);
  if (!w[0].exact_div(group)) context.fail(fmt("{} output channels do not split into {} groups", w[0], group));
  if (context.has_input(2)) expect_vector(context, 2, "bias size", w[0]);
  const Window window = read_window(context, kernel_of_weight(context));
  DimShape out = {x[0], w[0]};
  for (size_t i = 0; i < window.dims(); ++i) out.push_back(window_extent(context, window, i, x[i + 2]));
  context.set(0, std::move(out), context.dtype(0));
}

void infer_conv_transpose(InferContext& context) {
  check_operands(context);
  const DimShape& x = context.shape(0);
  const DimShape& w = context.shape(1);
  const Dim group = group_of(context);
  expect_dim(context, "input channels", w[0], x[1]);
  if (!w[0].exact_div(group)) context.fail(fmt("{} input channels do not split into {} groups", w[0], group));
  const Dim channels = w[1] * group;
  if (context.has_input(2)) expect_vector(context, 2, "bias size", channels);
  const Window window = read_window(context, kernel_of_weight(context));
  const size_t dims = window.dims();
  const auto extra = context.attrs().integers("output_padding", std::vector<int64_t>(dims, 0));
  if (extra.size() != dims) context.fail(fmt("expected {} values in output_padding, got {}", dims, extra));
  DimShape out = {x[0], channels};
  for (size_t i = 0; i < dims; ++i) {
    if (extra[i] < 0 || extra[i] >= std::max(window.strides[i], window.dilations[i]))
      context.fail(fmt("expected output_padding below stride or dilation, got {}", extra));
    const Dim reach = Dim(window.dilations[i]) * Dim(window.kernel[i] - 1) + Dim(1);
    out.push_back((x[i + 2] - Dim(1)) * Dim(window.strides[i]) + reach + Dim(extra[i]) - Dim(window.pads[i]) -
                  Dim(window.pads[i + dims]));
    if (out.back().maybe_value().value_or(1) < 1) context.fail("the pads leave no output");
  }
  context.set(0, std::move(out), context.dtype(0));
}

// Every output element reads one filter: all of w but its leading dim.
int64_t conv_macs(const CostContext& cost) {
  const Shape& w = cost.inputs[1];
  return numel_of({numel_of(cost.outputs[0]), numel_of(Shape(w.begin() + 1, w.end()))});
}

// Every input element is spread by one filter.
int64_t conv_transpose_macs(const CostContext& cost) {
  const Shape& w = cost.inputs[1];
  return numel_of({numel_of(cost.inputs[0]), numel_of(Shape(w.begin() + 1, w.end()))});
}

}  // namespace

void add_conv_ops(OpTable& ops) {
  std::vector<AttrSpec> attrs = {{"group", AttrType::kInt},
                                 {"strides", AttrType::kInts},
                                 {"dilations", AttrType::kInts},
                                 {"pads", AttrType::kInts},
                                 {"kernel_shape", AttrType::kInts}};
  ops.add({.name = "Conv", .min_inputs = 2, .max_inputs = 3, .attrs = attrs, .infer = infer_conv, .macs = conv_macs});
  attrs.push_back({"output_padding", AttrType::kInts});
  ops.add({.name = "ConvTranspose", .min_inputs = 2, .max_inputs = 3, .attrs = attrs, .infer = infer_conv_transpose,
           .macs = conv_transpose_macs});
}

}  // namespace pare
