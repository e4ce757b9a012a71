#include <ATen/TensorOperators.h>

#include "core/model/fake_quantize.h"
#include "core/model/torch_ops.h"

namespace pare {
namespace {

// [C] along `axis`, or one cell, as a tensor that broadcasts to x.
at::Tensor along(const at::Tensor& cells, const at::Tensor& x, int64_t axis) {
  if (cells.numel() == 1) return cells.reshape({});
  std::vector<int64_t> view(static_cast<size_t>(x.dim()), 1);
  view[static_cast<size_t>(from_front(axis, x.dim()))] = cells.numel();
  return cells.reshape(view);
}

QRange range_of(at::ScalarType type) {
  if (type == at::kByte) return qrange(8, false, false);
  if (type == at::kUInt16) return qrange(16, false, false);
  return qrange(type == at::kChar ? 8 : 16, true, false);
}

at::Tensor quantize_linear(const TorchContext& context) {
  const at::Tensor& x = context.inputs[0];
  const int64_t axis = context.node.attrs.integer("axis", 1);
  const at::Tensor zero = input(context, 2);
  const at::ScalarType to = zero.defined() ? zero.scalar_type() : at::kByte;
  at::Tensor q = (x / along(context.inputs[1], x, axis)).round();
  if (zero.defined()) q = q + along(zero, x, axis).to(x.scalar_type());
  const QRange range = range_of(to);
  return q.clamp(range.low, range.high).to(to);
}

at::Tensor dequantize_linear(const TorchContext& context) {
  const at::Tensor& x = context.inputs[0];
  const int64_t axis = context.node.attrs.integer("axis", 1);
  at::Tensor q = x.to(at::kInt);
  if (const at::Tensor zero = input(context, 2); zero.defined()) q = q - along(zero, x, axis).to(at::kInt);
  return q.to(context.inputs[1].scalar_type()) * along(context.inputs[1], x, axis);
}

at::Tensor fake_quant(const TorchContext& context) {
  const Attrs& attrs = context.node.attrs;
  const at::Tensor& x = context.inputs[0];
  const int64_t axis = attrs.integer("axis", -1);
  const QRange range = qrange(static_cast<int>(attrs.integer("bits", 8)), attrs.integer("signed", 0) != 0,
                              attrs.integer("symmetric", 0) != 0);
  return fake_quantize(x, along(context.inputs[1], x, axis), along(context.inputs[2], x, axis), range);
}

}  // namespace

void add_quant_torch_ops(TorchOps& ops) {
  ops["QuantizeLinear"] = one(quantize_linear);
  ops["DequantizeLinear"] = one(dequantize_linear);
  ops["pare.FakeQuant"] = one(fake_quant);
}

}  // namespace pare
