// Reshape    x, shape? (I64 vector, its contents known to shape inference); shape (attribute, instead of the input),
//            allowzero (0: a 0 copies the input's dim). One -1 is inferred.
// Flatten    axis (1) -> [product of dims before axis, product of the others]
// Squeeze    axes (absent: all dims of 1);  Unsqueeze axes (required, of the result)
// Expand     x, shape? (as for Reshape); shape (attribute): two-way broadcast
// Shape      start (0), end (rank) -> I64 [n]
// Cast       to (required): dtype by its name in this toolkit, e.g. "F32"
// Identity;  Dropout ratio (0.5): active in training only
#include <algorithm>

#include "core/graph/ops/rules.h"

namespace pare {
namespace {

// The target of Reshape and Expand: attribute first, else what is known of the second input.
DimShape target_of(const InferContext& context) {
  if (context.attrs().has("shape")) {
    if (context.has_input(1)) context.fail("expected a target shape once, got an input and an attribute");
    return to_dims(context.attrs().integers("shape"));
  }
  const DimShape* known = context.contents(1);
  if (!known) context.fail("the target shape is computed from data. Only shapes known from the input shapes can be used");
  return *known;
}

void infer_reshape(InferContext& context) {
  const DimShape& x = context.shape(0);
  const bool copy_zeros = context.attrs().integer("allowzero", 0) == 0;
  DimShape out = target_of(context);
  size_t unknown = out.size();
  Dim rest(1);
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i] == Dim(-1)) {
      if (unknown != out.size()) context.fail(fmt("expected at most one -1 in the target, got {}", out));
      unknown = i;
      continue;
    }
    if (out[i] == Dim(0) && copy_zeros) {
      if (i >= x.size()) context.fail(fmt("the target {} copies dim {} of an input of shape {}", out, i, x));
      out[i] = x[i];
    }
    if (out[i].maybe_value().value_or(0) < 0) context.fail(fmt("expected dims >= -1 in the target, got {}", out));
    rest = rest * out[i];
  }
  const Dim total = product_of(x);
  if (unknown != out.size()) {
    const auto inferred = rest == Dim(0) ? std::nullopt : total.exact_div(rest);
    if (!inferred) context.fail(fmt("shape {} does not fit the target {}", x, out));
    out[unknown] = *inferred;
  } else if (total != rest) {
    context.fail(fmt("shape {} does not fit the target {}", x, out));
  }
  context.set(0, std::move(out), context.dtype(0));
  keep_contents(context);
}

void infer_flatten(InferContext& context) {
  const DimShape& x = context.shape(0);
  const auto rank = static_cast<int64_t>(x.size());
  const int64_t axis = context.attrs().integer("axis", 1);
  if (axis < -rank || axis > rank) context.fail(fmt("expected an axis in [{}, {}], got {}", -rank, rank, axis));
  const auto split = x.begin() + static_cast<std::ptrdiff_t>(axis < 0 ? axis + rank : axis);
  context.set(0, {product_of(DimShape(x.begin(), split)), product_of(DimShape(split, x.end()))}, context.dtype(0));
}

void infer_squeeze(InferContext& context) {
  const DimShape& x = context.shape(0);
  const bool all = !context.attrs().has("axes");
  const auto axes = wrap_axes(context, context.attrs().integers("axes", {}), x.size());
  DimShape out;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool named = std::find(axes.begin(), axes.end(), i) != axes.end();
    if (named && x[i] != Dim(1)) context.fail(fmt("expected 1 in dim {}, got shape {}", i, x));
    if (!(named || (all && x[i] == Dim(1)))) out.push_back(x[i]);
  }
  context.set(0, std::move(out), context.dtype(0));
  keep_contents(context);
}

void infer_unsqueeze(InferContext& context) {
  const DimShape& x = context.shape(0);
  const auto list = context.attrs().integers("axes");
  auto axes = wrap_axes(context, list, x.size() + list.size());
  std::sort(axes.begin(), axes.end());
  DimShape out = x;
  for (size_t axis : axes) out.insert(out.begin() + static_cast<std::ptrdiff_t>(axis), Dim(1));
  context.set(0, std::move(out), context.dtype(0));
  keep_contents(context);
}

void infer_expand(InferContext& context) {
  context.set(0, broadcast(context, context.shape(0), target_of(context)), context.dtype(0));
}

void infer_shape_op(InferContext& context) {
  const DimShape& x = context.shape(0);
  const auto rank = static_cast<int64_t>(x.size());
  const auto clamp = [rank](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t start = clamp(context.attrs().integer("start", 0)), end = clamp(context.attrs().integer("end", rank));
  DimShape contents;
  for (int64_t i = start; i < end; ++i) contents.push_back(x[static_cast<size_t>(i)]);
  context.set(0, {Dim(static_cast<int64_t>(contents.size()))}, DType::kI64);
  context.set_contents(0, std::move(contents));
}

void infer_cast(InferContext& context) {
  const std::string to = context.attrs().text("to", "");
  DType dtype = DType::kF32;
  if (!parse_dtype(to, dtype)) context.fail(fmt("expected a dtype such as F32 in \"to\", got \"{}\"", to));
  context.set(0, context.shape(0), dtype);
  if (dtype == DType::kI64 || dtype == DType::kI32) keep_contents(context);
}

void infer_identity(InferContext& context) {
  same_as_input(context);
  keep_contents(context);
}

}  // namespace

void add_shape_ops(OpTable& ops) {
  ops.add({.name = "Reshape", .max_inputs = 2, .attrs = {{"shape", AttrType::kInts}, {"allowzero", AttrType::kInt}},
           .infer = infer_reshape});
  ops.add({.name = "Flatten", .attrs = {{"axis", AttrType::kInt}}, .infer = infer_flatten});
  ops.add({.name = "Squeeze", .attrs = {{"axes", AttrType::kInts}}, .infer = infer_squeeze});
  ops.add({.name = "Unsqueeze", .attrs = {{"axes", AttrType::kInts, true}}, .infer = infer_unsqueeze});
  ops.add({.name = "Expand", .max_inputs = 2, .attrs = {{"shape", AttrType::kInts}}, .infer = infer_expand});
  ops.add({.name = "Shape", .attrs = {{"start", AttrType::kInt}, {"end", AttrType::kInt}}, .infer = infer_shape_op});
  ops.add({.name = "Cast", .attrs = {{"to", AttrType::kText, true}}, .infer = infer_cast});
  ops.add({.name = "Identity", .infer = infer_identity});
  ops.add({.name = "Dropout", .attrs = {{"ratio", AttrType::kFloat}}, .infer = infer_identity});
}

}  // namespace pare
