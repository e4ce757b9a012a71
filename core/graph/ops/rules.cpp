#include "core/graph/ops/rules.h"

#include <algorithm>

namespace pare {

size_t wrap_axis(const InferContext& context, int64_t axis, size_t rank) {
  const auto r = static_cast<int64_t>(rank);
  if (axis < -r || axis >= r) context.fail(fmt("expected an axis in [{}, {}), got {}", -r, r, axis));
  return static_cast<size_t>(axis < 0 ? axis + r : axis);
}

std::vector<size_t> wrap_axes(const InferContext& context, const std::vector<int64_t>& axes, size_t rank) {
  std::vector<size_t> out;
  for (int64_t axis : axes) {
    const size_t wrapped = wrap_axis(context, axis, rank);
    if (std::find(out.begin(), out.end(), wrapped) != out.end()) context.fail(fmt("axis {} is named twice", axis));
    out.push_back(wrapped);
  }
  return out;
}

void expect_rank(const InferContext& context, size_t input, size_t rank) {
  const auto& shape = context.shape(input);
  if (shape.size() != rank) context.fail(fmt("expected {} dims of input {}, got shape {}", rank, input, shape));
}

void expect_min_rank(const InferContext& context, size_t input, size_t low) {
  const auto& shape = context.shape(input);
  if (shape.size() < low) context.fail(fmt("expected at least {} dims of input {}, got shape {}", low, input, shape));
}

void expect_dim(const InferContext& context, const char* what, const Dim& expected, const Dim& got) {
  if (expected != got) context.fail(fmt("expected {} {}, got {}", what, expected, got));
}

void expect_vector(const InferContext& context, size_t input, const char* what, const Dim& size) {
  expect_rank(context, input, 1);
  expect_dim(context, what, size, context.shape(input)[0]);
}

DimShape broadcast(const InferContext& context, const DimShape& a, const DimShape& b) {
  const DimShape& longer = a.size() >= b.size() ? a : b;
  const DimShape& shorter = a.size() >= b.size() ? b : a;
  DimShape out = longer;
  const size_t offset = longer.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) {
    Dim& dim = out[offset + i];
    if (shorter[i] == dim || shorter[i] == Dim(1)) continue;
    if (dim != Dim(1)) context.fail(fmt("shapes {} and {} do not broadcast", a, b));
    dim = shorter[i];
  }
  return out;
}

void same_as_input(InferContext& context) { context.set(0, context.shape(0), context.dtype(0)); }

void keep_contents(InferContext& context) {
  const DimShape* known = context.contents(0);
  if (known && context.results[0].shape->size() <= 1) context.set_contents(0, *known);
}

static std::vector<int64_t> window_attr(const InferContext& context, const char* name, size_t size, int64_t fallback,
                                        int64_t low) {
  // Far above any real model, and low enough that sums and products stay inside 64 bits.
  constexpr int64_t kHigh = 1 << 24;
  auto out = context.attrs().integers(name, std::vector<int64_t>(size, fallback));
  if (out.size() != size) context.fail(fmt("expected {} values in {}, got {}", size, name, out));
  for (int64_t value : out)
    if (value < low || value > kHigh) context.fail(fmt("expected {} in [{}, {}], got {}", name, low, kHigh, out));
  return out;
}

Window read_window(const InferContext& context, std::vector<int64_t> kernel) {
  Window out;
  if (kernel.empty()) context.fail("expected at least one spatial dim of the kernel");
  for (int64_t k : kernel)
    if (k < 1) context.fail(fmt("expected kernel sizes >= 1, got {}", kernel));
  out.strides = window_attr(context, "strides", kernel.size(), 1, 1);
  out.dilations = window_attr(context, "dilations", kernel.size(), 1, 1);
  out.pads = window_attr(context, "pads", 2 * kernel.size(), 0, 0);
  out.kernel = std::move(kernel);
  return out;
}

Dim window_extent(const InferContext& context, const Window& window, size_t i, const Dim& extent, bool round_up) {
  const Dim reach = Dim(window.dilations[i]) * Dim(window.kernel[i] - 1) + Dim(1);
  const int64_t begin = window.pads[i], end = window.pads[i + window.dims()], stride = window.strides[i];
  const Dim room = extent + Dim(begin) + Dim(end) - reach;
  if (room.maybe_value().value_or(0) < 0)
    context.fail(fmt("the window of {} is larger than the padded input of {}", reach, extent + Dim(begin) + Dim(end)));
  Dim out = (round_up ? room.ceil_div(Dim(stride)) : room.floor_div(Dim(stride))) + Dim(1);
  const auto number = out.maybe_value();
  if (!round_up || !number) return out;
  const Dim start = (out - Dim(1)) * Dim(stride) - Dim(begin);
  return start.value() >= extent.value() ? out - Dim(1) : out;
}

}  // namespace pare
