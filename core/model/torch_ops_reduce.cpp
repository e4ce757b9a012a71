#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/sum.h>

#include "core/model/torch_ops.h"

namespace pare {
namespace {

// f(x, dims, keepdim); the element type stays as it is (libtorch sums integers in int64).
template <class F>
TorchOp reduce(F f) {
  return one([f](const TorchContext& context) {
    const at::Tensor& x = context.inputs[0];
    auto axes = context.node.attrs.integers("axes", {});
    if (axes.empty())
      for (int64_t d = 0; d < x.dim(); ++d) axes.push_back(d);
    return f(x, axes, context.node.attrs.integer("keepdims", 1) != 0).to(x.scalar_type());
  });
}

at::Tensor arg_max(const TorchContext& context) {
  const at::Tensor& x = context.inputs[0];
  const int64_t axis = context.node.attrs.integer("axis", 0);
  const bool keep = context.node.attrs.integer("keepdims", 1) != 0;
  if (context.node.attrs.integer("select_last_index", 0) == 0) return at::argmax(x, axis, keep);
  return x.size(axis) - 1 - at::argmax(x.flip(axis), axis, keep);
}

// A stable sort: of equal values the lower index comes first.
std::vector<at::Tensor> top_k(const TorchContext& context) {
  const Attrs& attrs = context.node.attrs;
  const int64_t axis = attrs.integer("axis", -1), k = attrs.integer("k");
  const auto [values, indices] = at::sort(context.inputs[0], /*stable=*/true, axis, attrs.integer("largest", 1) != 0);
  return {values.narrow(axis, 0, k), indices.narrow(axis, 0, k)};
}

}  // namespace

void add_reduce_torch_ops(TorchOps& ops) {
  using T = const at::Tensor&;
  using Dims = const std::vector<int64_t>&;
  ops["ReduceMean"] = reduce([](T x, Dims dims, bool keep) { return at::mean(x, dims, keep); });
  ops["ReduceSum"] = reduce([](T x, Dims dims, bool keep) { return at::sum(x, dims, keep); });
  ops["ReduceMax"] = reduce([](T x, Dims dims, bool keep) { return x.amax(dims, keep); });
  ops["ReduceMin"] = reduce([](T x, Dims dims, bool keep) { return x.amin(dims, keep); });
  ops["ArgMax"] = one(arg_max);
  ops["TopK"] = top_k;
}

}  // namespace pare
