// ReduceMean ReduceSum ReduceMax ReduceMin  axes (absent or empty: all), keepdims (1)
// ArgMax  axis (0), keepdims (1), select_last_index (0) -> I64
// TopK    k (required), axis (-1), largest (1), sorted (1) -> values, I64 indices
#include <algorithm>

#include "core/graph/ops/rules.h"

namespace pare {
namespace {

DimShape reduced(const InferContext& context, std::vector<int64_t> axes) {
  const DimShape& x = context.shape(0);
  if (axes.empty())
    for (size_t i = 0; i < x.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  const auto gone = wrap_axes(context, axes, x.size());
  const bool keep = context.attrs().integer("keepdims", 1) != 0;
  DimShape out;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool here = std::find(gone.begin(), gone.end(), i) != gone.end();
    if (!here) out.push_back(x[i]);
    else if (keep) out.push_back(Dim(1));
  }
  return out;
}

void infer_reduce(InferContext& context) {
  context.set(0, reduced(context, context.attrs().integers("axes", {})), context.dtype(0));
}

void infer_arg_max(InferContext& context) {
  context.set(0, reduced(context, {context.attrs().integer("axis", 0)}), DType::kI64);
}

void infer_top_k(InferContext& context) {
  DimShape out = context.shape(0);
  const size_t axis = wrap_axis(context, context.attrs().integer("axis", -1), out.size());
  const int64_t k = context.attrs().integer("k");
  if (k < 1 || k > out[axis].maybe_value().value_or(k)) context.fail(fmt("expected k in [1, {}], got {}", out[axis], k));
  out[axis] = Dim(k);
  context.set(1, out, DType::kI64);
  context.set(0, std::move(out), context.dtype(0));
}

}  // namespace

void add_reduce_ops(OpTable& ops) {
  const AttrSpec keep = {"keepdims", AttrType::kInt}, axis = {"axis", AttrType::kInt};
  for (const char* name : {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"})
    ops.add({.name = name, .attrs = {{"axes", AttrType::kInts}, keep}, .infer = infer_reduce});
  ops.add({.name = "ArgMax", .attrs = {axis, keep, {"select_last_index", AttrType::kInt}}, .infer = infer_arg_max});
  ops.add({.name = "TopK", .outputs = 2,
           .attrs = {{"k", AttrType::kInt, true}, axis, {"largest", AttrType::kInt}, {"sorted", AttrType::kInt}},
           .infer = infer_top_k});
}

}  // namespace pare
