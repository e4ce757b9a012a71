#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>

#include "core/model/torch_ops.h"

namespace pare {
namespace {

// Position in the input of output index `i`, as ONNX's coordinate_transformation_mode says.
double source_position(const std::string& mode, int64_t i, int64_t in, int64_t out, double scale) {
  const auto at = static_cast<double>(i);
  if (mode == "asymmetric") return at / scale;
  if (mode == "align_corners") return out == 1 ? 0.0 : at * static_cast<double>(in - 1) / static_cast<double>(out - 1);
  if (mode == "pytorch_half_pixel" && out == 1) return 0.0;
  return (at + 0.5) / scale - 0.5;
}

double round_position(const std::string& mode, double x) {
  if (mode == "floor") return std::floor(x);
  if (mode == "ceil") return std::ceil(x);
  if (mode == "round_prefer_ceil") return std::floor(x + 0.5);
  return std::ceil(x - 0.5);
}

at::Tensor resize_dim(const at::Tensor& x, int64_t dim, int64_t out, double scale, const Attrs& attrs) {
  const std::string coordinates = attrs.text("coordinate_transformation_mode", "half_pixel");
  const std::string rounding = attrs.text("nearest_mode", "round_prefer_floor");
  const bool linear = attrs.text("mode", "nearest") == "linear";
  const int64_t in = x.size(dim);
  const auto inside = [in](double p) { return std::clamp<int64_t>(static_cast<int64_t>(p), 0, in - 1); };
  std::vector<int64_t> low, high;
  std::vector<double> share;
  for (int64_t i = 0; i < out; ++i) {
    const double p = source_position(coordinates, i, in, out, scale);
    if (!linear) {
      low.push_back(inside(round_position(rounding, p)));
      continue;
    }
    const double clamped = std::clamp(p, 0.0, static_cast<double>(in - 1));
    low.push_back(inside(std::floor(clamped)));
    high.push_back(std::min(low.back() + 1, in - 1));
    share.push_back(clamped - std::floor(clamped));
  }
  const auto select = [&](const std::vector<int64_t>& index) {
    return x.index_select(dim, at::tensor(index, at::kLong).to(x.device()));
  };
  if (!linear) return select(low);
  std::vector<int64_t> view(static_cast<size_t>(x.dim()), 1);
  view[static_cast<size_t>(dim)] = out;
  const at::Tensor upper = at::tensor(share, at::kDouble).to(x.options()).view(view);
  return select(low) * (1 - upper) + select(high) * upper;
}

at::Tensor resize(const TorchContext& context) {
  const Attrs& attrs = context.node.attrs;
  at::Tensor out = context.inputs[0];
  const bool by_scales = attrs.has("scales");
  const auto scales = by_scales ? attrs.numbers("scales") : std::vector<double>();
  const auto sizes = by_scales ? std::vector<int64_t>() : attrs.integers("sizes");
  for (int64_t d = 0; d < out.dim(); ++d) {
    const auto i = static_cast<size_t>(d);
    const int64_t in = out.size(d);
    const int64_t size = by_scales ? static_cast<int64_t>(std::floor(static_cast<double>(in) * scales[i]))
                         : sizes[i] < 0 ? in : sizes[i];
    const double scale = by_scales ? scales[i] : static_cast<double>(size) / static_cast<double>(in);
    if (size != in || scale != 1.0) out = resize_dim(out, d, size, scale, attrs);
  }
  return out;
}

}  // namespace

void add_resize_torch_ops(TorchOps& ops) { ops["Resize"] = one(resize); }

}  // namespace pare
