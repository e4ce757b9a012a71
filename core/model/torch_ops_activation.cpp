#include <ATen/TensorOperators.h>
#include <ATen/ops/elu.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/hardswish.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/where.h>

#include "core/model/torch_ops.h"

namespace pare {
namespace {

using Context = const TorchContext&;

at::Tensor clip(Context c) {
  const Attrs& attrs = c.node.attrs;
  const at::Tensor& x = c.inputs[0];
  // A floating bound would turn integers into floats.
  const auto bound = [&](const char* name) -> std::optional<at::Scalar> {
    if (!attrs.has(name)) return std::nullopt;
    if (x.is_floating_point()) return attrs.number(name);
    return static_cast<int64_t>(attrs.number(name));
  };
  const auto low = bound("min"), high = bound("max");
  return low || high ? x.clamp(low, high) : x;
}

at::Tensor relu(Context c) {
  at::Tensor x = c.inputs[0];
  return c.overwrite ? at::relu_(x) : at::relu(x);
}

at::Tensor hard_sigmoid(Context c) {
  return (c.inputs[0] * c.node.attrs.number("alpha", 0.2) + c.node.attrs.number("beta", 0.5)).clamp(0.0, 1.0);
}

at::Tensor prelu(Context c) {
  const at::Tensor& x = c.inputs[0];
  return at::where(x >= 0, x, x * c.inputs[1]);
}

}  // namespace

void add_activation_torch_ops(TorchOps& ops) {
  using T = const at::Tensor&;
  ops["Relu"] = one(relu);
  ops["Sigmoid"] = unary([](T x) { return x.sigmoid(); });
  ops["Tanh"] = unary([](T x) { return x.tanh(); });
  ops["pare.Silu"] = unary([](T x) { return at::silu(x); });
  ops["HardSwish"] = unary([](T x) { return at::hardswish(x); });
  ops["Softplus"] = unary([](T x) { return at::softplus(x); });
  ops["Erf"] = unary([](T x) { return x.erf(); });
  ops["Exp"] = unary([](T x) { return x.exp(); });
  ops["Log"] = unary([](T x) { return x.log(); });
  ops["Sqrt"] = unary([](T x) { return x.sqrt(); });
  ops["Floor"] = unary([](T x) { return x.floor(); });
  ops["Ceil"] = unary([](T x) { return x.ceil(); });
  ops["Round"] = unary([](T x) { return x.round(); });
  ops["Reciprocal"] = unary([](T x) { return x.reciprocal(); });
  ops["Neg"] = unary([](T x) { return x.neg(); });
  ops["Abs"] = unary([](T x) { return x.abs(); });
  ops["LeakyRelu"] = one([](Context c) { return at::leaky_relu(c.inputs[0], c.node.attrs.number("alpha", 0.01)); });
  ops["Elu"] = one([](Context c) { return at::elu(c.inputs[0], c.node.attrs.number("alpha", 1.0)); });
  ops["Gelu"] = one([](Context c) { return at::gelu(c.inputs[0], c.node.attrs.text("approximate", "none")); });
  ops["Softmax"] = one([](Context c) { return at::softmax(c.inputs[0], c.node.attrs.integer("axis", -1)); });
  ops["LogSoftmax"] = one([](Context c) { return at::log_softmax(c.inputs[0], c.node.attrs.integer("axis", -1)); });
  ops["HardSigmoid"] = one(hard_sigmoid);
  ops["Clip"] = one(clip);
  ops["PRelu"] = one(prelu);
}

}  // namespace pare
