#include <ATen/ops/add.h>
#include <ATen/ops/div.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/where.h>

#include "core/model/torch_ops.h"

namespace pare {
namespace {

template <class F>
TorchOp binary(F f) {
  return [f](const TorchContext& c) { return std::vector<at::Tensor>{f(c.inputs[0], c.inputs[1])}; };
}

// f over all inputs, from the left.
template <class F>
TorchOp fold(F f) {
  return [f](const TorchContext& c) {
    at::Tensor out = c.inputs[0];
    for (size_t i = 1; i < c.inputs.size(); ++i) out = f(out, c.inputs[i]);
    return std::vector<at::Tensor>{out};
  };
}

// A sum in the memory of its first term saves a pass over memory and the page faults of a new tensor.
at::Tensor add(const TorchContext& c) {
  at::Tensor a = c.inputs[0];
  const at::Tensor& b = c.inputs[1];
  const bool fits = c.overwrite && a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type();
  return fits ? a.add_(b) : at::add(a, b);
}

}  // namespace

void add_elementwise_torch_ops(TorchOps& ops) {
  using T = const at::Tensor&;
  ops["Add"] = one(add);
  ops["Sub"] = binary([](T a, T b) { return at::sub(a, b); });
  ops["Mul"] = binary([](T a, T b) { return at::mul(a, b); });
  ops["Div"] = binary([](T a, T b) { return a.is_floating_point() ? at::div(a, b) : at::div(a, b, "trunc"); });
  ops["Pow"] = binary([](T a, T b) { return at::pow(a, b); });
  ops["Min"] = fold([](T a, T b) { return at::minimum(a, b); });
  ops["Max"] = fold([](T a, T b) { return at::maximum(a, b); });
  ops["Equal"] = binary([](T a, T b) { return a.eq(b); });
  ops["Less"] = binary([](T a, T b) { return a.lt(b); });
  ops["Greater"] = binary([](T a, T b) { return a.gt(b); });
  ops["And"] = binary([](T a, T b) { return a.logical_and(b); });
  ops["Or"] = binary([](T a, T b) { return a.logical_or(b); });
  ops["Not"] = unary([](T a) { return a.logical_not(); });
  ops["Where"] = one([](const TorchContext& c) { return at::where(c.inputs[0], c.inputs[1], c.inputs[2]); });
}

}  // namespace pare
