// Resize  scales (one a dim) or sizes (one a dim, -1 keeps a dim); mode (nearest or linear),
//         coordinate_transformation_mode (half_pixel, asymmetric, align_corners, pytorch_half_pixel),
//         nearest_mode (round_prefer_floor, floor, ceil, round_prefer_ceil). No antialiasing, no cubic.
#include <algorithm>
#include <cmath>

#include "core/graph/ops/rules.h"

namespace pare {
namespace {

// Products with a scale stay exact in double and inside 64 bits.
constexpr int64_t kMaxExtent = int64_t{1} << 32;

void expect_choice(const InferContext& context, const char* name, const char* fallback,
                   const std::vector<std::string>& choices) {
  const std::string value = context.attrs().text(name, fallback);
  if (std::find(choices.begin(), choices.end(), value) == choices.end())
    context.fail(fmt("expected {} of {}, got \"{}\"", name, join(choices, ", "), value));
}

Dim scaled(const InferContext& context, const Dim& extent, double scale) {
  if (!(scale > 0.0 && scale <= 65536.0)) context.fail(fmt("expected scales in (0, 65536], got {}", scale));
  const double whole = std::nearbyint(scale), inverse = std::nearbyint(1.0 / scale);
  if (scale == whole) return extent * Dim(static_cast<int64_t>(whole));
  if (const auto number = extent.maybe_value()) {
    if (*number > kMaxExtent) context.fail(fmt("expected extents up to {}, got {}", kMaxExtent, *number));
    return Dim(static_cast<int64_t>(std::floor(static_cast<double>(*number) * scale)));
  }
  if (scale * inverse != 1.0) context.fail(fmt("cannot scale the symbolic extent {} by {}", extent, scale));
  return extent.floor_div(Dim(static_cast<int64_t>(inverse)));
}

void infer_resize(InferContext& context) {
  expect_choice(context, "mode", "nearest", {"nearest", "linear"});
  expect_choice(context, "coordinate_transformation_mode", "half_pixel",
                {"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"});
  expect_choice(context, "nearest_mode", "round_prefer_floor",
                {"round_prefer_floor", "floor", "ceil", "round_prefer_ceil"});
  DimShape out = context.shape(0);
  const auto& attrs = context.attrs();
  if (attrs.has("scales") == attrs.has("sizes")) context.fail("expected either scales or sizes");
  const size_t given = attrs.has("scales") ? attrs.numbers("scales").size() : attrs.integers("sizes").size();
  if (given != out.size()) context.fail(fmt("expected {} scales or sizes, got {}", out.size(), given));
  for (size_t i = 0; i < out.size(); ++i) {
    if (attrs.has("scales")) {
      out[i] = scaled(context, out[i], attrs.numbers("scales")[i]);
      continue;
    }
    const int64_t size = attrs.integers("sizes")[i];
    if (size < 1 && size != -1) context.fail(fmt("expected sizes >= 1 or -1, got {}", attrs.integers("sizes")));
    if (size != -1) out[i] = Dim(size);
  }
  context.set(0, std::move(out), context.dtype(0));
}

}  // namespace

void add_resize_ops(OpTable& ops) {
  ops.add({.name = "Resize",
           .attrs = {{"scales", AttrType::kFloats},
                     {"sizes", AttrType::kInts},
                     {"mode", AttrType::kText},
                     {"coordinate_transformation_mode", AttrType::kText},
                     {"nearest_mode", AttrType::kText}},
           .infer = infer_resize});
}

}  // namespace pare
