// Concat        axis (required)
// Split         axis (0), split (sizes; absent: equal parts, the last one smaller) -> as many outputs as the node has
// Gather        data, indices (I64 or I32, negative from the end); axis (0)
// Pad           pads (required: begins, then ends of every dim; negative crops), mode (constant, reflect, edge), value (0)
// Transpose     perm (absent: reversed)
// Tile          repeats (required, one a dim)
// DepthToSpace  x [N, C, H, W]; blocksize (required), mode (DCR or CRD)
#include <algorithm>

#include "core/graph/ops/rules.h"

namespace pare {
namespace {

void infer_concat(InferContext& context) {
  DimShape out = context.shape(0);
  const size_t axis = wrap_axis(context, context.attrs().integer("axis"), out.size());
  const size_t count = context.node().inputs.size();
  for (size_t i = 1; i < count; ++i) {
    expect_rank(context, i, out.size());
    const DimShape& next = context.shape(i);
    for (size_t d = 0; d < out.size(); ++d)
      if (d != axis && next[d] != out[d])
        context.fail(fmt("shapes {} and {} differ outside axis {}", context.shape(0), next, axis));
    if (context.dtype(i) != context.dtype(0)) context.fail("expected inputs of one dtype");
    out[axis] = out[axis] + next[axis];
  }
  context.set(0, std::move(out), context.dtype(0));
  DimShape contents;
  for (size_t i = 0; i < count; ++i) {
    const DimShape* part = context.contents(i);
    if (!part || context.shape(i).size() != 1) return;
    contents.insert(contents.end(), part->begin(), part->end());
  }
  context.set_contents(0, std::move(contents));
}

std::vector<Dim> split_sizes(const InferContext& context, const Dim& total) {
  const size_t parts = context.node().outputs.size();
  if (context.attrs().has("split")) {
    const auto sizes = context.attrs().integers("split");
    if (sizes.size() != parts) context.fail(fmt("expected {} sizes in split, got {}", parts, sizes));
    Dim sum(0);
    for (int64_t size : sizes) {
      if (size < 0) context.fail(fmt("expected split sizes >= 0, got {}", sizes));
      sum = sum + Dim(size);
    }
    expect_dim(context, "sum of split sizes", total, sum);
    return to_dims(sizes);
  }
  const Dim count(static_cast<int64_t>(parts));
  if (const auto even = total.exact_div(count)) return std::vector<Dim>(parts, *even);
  const Dim size = total.ceil_div(count);
  std::vector<Dim> out(parts, size);
  out.back() = total - size * Dim(static_cast<int64_t>(parts) - 1);
  if (out.back().maybe_value().value_or(-1) < 0) context.fail(fmt("{} does not split into {} parts", total, parts));
  return out;
}

void infer_split(InferContext& context) {
  const DimShape& x = context.shape(0);
  const size_t axis = wrap_axis(context, context.attrs().integer("axis", 0), x.size());
  const auto sizes = split_sizes(context, x[axis]);
  for (size_t i = 0; i < sizes.size(); ++i) {
    DimShape out = x;
    out[axis] = sizes[i];
    context.set(i, std::move(out), context.dtype(0));
  }
}

void gather_contents(InferContext& context) {
  const DimShape* data = context.contents(0);
  const DimShape* indices = context.contents(1);
  if (!data || !indices || context.shape(0).size() != 1 || context.shape(1).size() > 1) return;
  const auto size = static_cast<int64_t>(data->size());
  DimShape out;
  for (const Dim& index : *indices) {
    const int64_t i = index.maybe_value().value_or(size);
    if (i < -size || i >= size) context.fail(fmt("expected indices in [{}, {}), got {}", -size, size, *indices));
    out.push_back((*data)[static_cast<size_t>(i < 0 ? i + size : i)]);
  }
  context.set_contents(0, std::move(out));
}

void infer_gather(InferContext& context) {
  const DimShape& data = context.shape(0);
  const DimShape& indices = context.shape(1);
  if (context.dtype(1) != DType::kI64 && context.dtype(1) != DType::kI32)
    context.fail(fmt("expected I64 or I32 indices, got {}", context.dtype(1)));
  const auto axis = static_cast<std::ptrdiff_t>(wrap_axis(context, context.attrs().integer("axis", 0), data.size()));
  DimShape out(data.begin(), data.begin() + axis);
  out.insert(out.end(), indices.begin(), indices.end());
  out.insert(out.end(), data.begin() + axis + 1, data.end());
  context.set(0, std::move(out), context.dtype(0));
  gather_contents(context);
}

void infer_pad(InferContext& context) {
  DimShape out = context.shape(0);
  const auto pads = context.attrs().integers("pads");
  const std::string mode = context.attrs().text("mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge")
    context.fail(fmt("expected mode constant, reflect or edge, got \"{}\"", mode));
  if (pads.size() != 2 * out.size()) context.fail(fmt("expected {} pads, got {}", 2 * out.size(), pads));
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = out[i] + Dim(pads[i]) + Dim(pads[i + out.size()]);
    if (out[i].maybe_value().value_or(0) < 0) context.fail(fmt("pads {} crop more than shape {}", pads, context.shape(0)));
  }
  context.set(0, std::move(out), context.dtype(0));
}

void infer_transpose(InferContext& context) {
  const DimShape& x = context.shape(0);
  std::vector<int64_t> reversed;
  for (size_t i = x.size(); i-- > 0;) reversed.push_back(static_cast<int64_t>(i));
  const auto perm = context.attrs().integers("perm", reversed);
  if (perm.size() != x.size()) context.fail(fmt("expected {} axes in perm, got {}", x.size(), perm));
  DimShape out;
  for (size_t axis : wrap_axes(context, perm, x.size())) out.push_back(x[axis]);
  context.set(0, std::move(out), context.dtype(0));
}

void infer_tile(InferContext& context) {
  DimShape out = context.shape(0);
  const auto repeats = context.attrs().integers("repeats");
  if (repeats.size() != out.size()) context.fail(fmt("expected {} repeats, got {}", out.size(), repeats));
  for (size_t i = 0; i < out.size(); ++i) {
    if (repeats[i] < 0) context.fail(fmt("expected repeats >= 0, got {}", repeats));
    out[i] = out[i] * Dim(repeats[i]);
  }
  context.set(0, std::move(out), context.dtype(0));
}

void infer_depth_to_space(InferContext& context) {
  expect_rank(context, 0, 4);
  const DimShape& x = context.shape(0);
  const std::string mode = context.attrs().text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") context.fail(fmt("expected mode DCR or CRD, got \"{}\"", mode));
  const int64_t block = context.attrs().integer("blocksize");
  if (block < 1 || block > 1024) context.fail(fmt("expected blocksize in [1, 1024], got {}", block));
  const auto channels = x[1].exact_div(Dim(block * block));
  if (!channels) context.fail(fmt("{} channels do not split into blocks of {} x {}", x[1], block, block));
  context.set(0, {x[0], *channels, x[2] * Dim(block), x[3] * Dim(block)}, context.dtype(0));
}

}  // namespace

void add_movement_ops(OpTable& ops) {
  const AttrSpec axis = {"axis", AttrType::kInt};
  ops.add({.name = "Concat", .max_inputs = -1, .attrs = {{"axis", AttrType::kInt, true}}, .infer = infer_concat});
  ops.add({.name = "Split", .outputs = -1, .attrs = {axis, {"split", AttrType::kInts}}, .infer = infer_split});
  ops.add({.name = "Gather", .min_inputs = 2, .max_inputs = 2, .attrs = {axis}, .infer = infer_gather});
  ops.add({.name = "Pad",
           .attrs = {{"pads", AttrType::kInts, true}, {"mode", AttrType::kText}, {"value", AttrType::kFloat}},
           .infer = infer_pad});
  ops.add({.name = "Transpose", .attrs = {{"perm", AttrType::kInts}}, .infer = infer_transpose});
  ops.add({.name = "Tile", .attrs = {{"repeats", AttrType::kInts, true}}, .infer = infer_tile});
  ops.add({.name = "DepthToSpace", .attrs = {{"blocksize", AttrType::kInt, true}, {"mode", AttrType::kText}},
           .infer = infer_depth_to_space});
}

}  // namespace pare
