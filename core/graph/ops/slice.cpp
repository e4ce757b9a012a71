// Slice  starts, ends (required), axes (absent: the first ones), steps (1s; negative walks backwards).
//        Negative positions count from the end, positions outside are clamped; INT64_MAX means "to the end".
#include <algorithm>

#include "core/graph/ops/rules.h"

namespace pare {
namespace {

// From here on a bound means "the far end", whatever the extent is: exporters write INT32_MAX as well as INT64_MAX.
constexpr int64_t kFar = 0x7fffffff;

struct Range1 {
  int64_t start, end, step;
};

// First index and count of a slice of a known extent.
std::pair<int64_t, int64_t> span_of(Range1 r, int64_t extent) {
  const auto clamp = [extent](int64_t i, int64_t low, int64_t high) {
    return std::clamp(i < 0 ? std::max<int64_t>(i, -extent - 1) + extent : i, low, high);
  };
  const bool forward = r.step > 0;
  const int64_t low = forward ? 0 : -1, high = forward ? extent : extent - 1;
  const int64_t start = clamp(r.start, forward ? 0 : std::min<int64_t>(0, high), high), end = clamp(r.end, low, high);
  const int64_t length = forward ? end - start : start - end;
  const int64_t step = forward ? r.step : -std::max<int64_t>(r.step, -kFar);
  return {start, length <= 0 ? 0 : (length - 1) / step + 1};
}

// Count of a slice of a symbolic extent that is taken to be large enough for the bounds.
Dim symbolic_count(const InferContext& context, Range1 r, const Dim& extent) {
  if (r.step < 0) {
    if ((r.start == -1 || r.start >= kFar) && r.end <= -kFar) return extent.ceil_div(Dim(-r.step));
    context.fail(fmt("a backward slice of the symbolic extent {} must be whole", extent));
  }
  const Dim start = r.start < 0 ? extent + Dim(r.start) : Dim(r.start);
  if (r.end < kFar && r.end >= 0 && r.start < 0) context.fail(fmt("the slice's length depends on the extent {}", extent));
  if (r.end >= 0 && r.end < kFar) context.fail(fmt("the end {} may lie behind the symbolic extent {}", r.end, extent));
  const Dim end = r.end >= kFar ? extent : extent + Dim(r.end);
  return (end - start).ceil_div(Dim(r.step));
}

std::vector<int64_t> list_of(const InferContext& context, const char* name, size_t size,
                             const std::vector<int64_t>& fallback) {
  auto out = context.attrs().integers(name, fallback);
  if (out.size() != size) context.fail(fmt("expected {} values in {}, got {}", size, name, out));
  return out;
}

void infer_slice(InferContext& context) {
  const DimShape& x = context.shape(0);
  const auto starts = context.attrs().integers("starts");
  const size_t count = starts.size();
  std::vector<int64_t> first;
  for (size_t i = 0; i < count; ++i) first.push_back(static_cast<int64_t>(i));
  const auto ends = list_of(context, "ends", count, {});
  const auto steps = list_of(context, "steps", count, std::vector<int64_t>(count, 1));
  const auto axes = wrap_axes(context, list_of(context, "axes", count, first), x.size());
  DimShape out = x;
  const DimShape* known = x.size() == 1 ? context.contents(0) : nullptr;
  std::optional<DimShape> contents = known ? std::optional(*known) : std::nullopt;
  for (size_t i = 0; i < count; ++i) {
    const Range1 range = {starts[i], ends[i], steps[i]};
    if (range.step == 0 || range.step < -kFar) context.fail(fmt("expected steps other than 0, got {}", steps));
    const auto extent = x[axes[i]].maybe_value();
    if (!extent) {
      out[axes[i]] = symbolic_count(context, range, x[axes[i]]);
      continue;
    }
    const auto [start, length] = span_of(range, *extent);
    out[axes[i]] = Dim(length);
    if (!known) continue;
    contents->clear();
    for (int64_t k = 0; k < length; ++k) contents->push_back(known->at(static_cast<size_t>(start + k * range.step)));
  }
  context.set(0, std::move(out), context.dtype(0));
  if (contents) context.set_contents(0, std::move(*contents));
}

}  // namespace

std::pair<int64_t, int64_t> slice_span(int64_t start, int64_t end, int64_t step, int64_t extent) {
  return span_of({start, end, step}, extent);
}

void add_slice_ops(OpTable& ops) {
  ops.add({.name = "Slice",
           .attrs = {{"starts", AttrType::kInts, true},
                     {"ends", AttrType::kInts, true},
                     {"axes", AttrType::kInts},
                     {"steps", AttrType::kInts}},
           .infer = infer_slice});
}

}  // namespace pare
