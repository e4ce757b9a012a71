// Sliding windows (auto_pad resolved) and resizing.
#include <cmath>
#include <numeric>

#include "core/import/onnx_raise.h"

namespace pare::onnx {
namespace {

// Far beyond real models, small enough that products of them do not overflow.
constexpr int64_t kMaxWindow = 1 << 20, kMaxExtent = int64_t{1} << 40;

int64_t at_or(const std::vector<int64_t>& list, size_t i, int64_t fallback) {
  return i < list.size() ? list[i] : fallback;
}

// SAME: as many outputs as ceil(input / stride); the odd pad goes behind (UPPER) or before (LOWER).
std::vector<int64_t> same_pads(Raiser& out, const Node& node, const std::vector<int64_t>& kernel, bool upper) {
  const DimShape x = out.shape(node, 0);
  PARE_CHECK(x.size() == kernel.size() + 2, ModelError, "expected {} spatial dims, got shape {}", kernel.size(), x);
  const auto strides = node.integers("strides").value_or(std::vector<int64_t>{});
  const auto dilations = node.integers("dilations").value_or(std::vector<int64_t>{});
  std::vector<int64_t> pads(2 * kernel.size());
  for (size_t i = 0; i < kernel.size(); ++i) {
    const int64_t stride = at_or(strides, i, 1), dilation = at_or(dilations, i, 1);
    for (int64_t size : {kernel[i], stride, dilation})
      PARE_CHECK(size >= 1 && size < kMaxWindow, ModelError,
                 "expected kernel, strides and dilations in [1, {}), got {}", kMaxWindow, size);
    const auto extent = x[i + 2].maybe_value();
    PARE_CHECK(extent && *extent < kMaxExtent, ModelError, "auto_pad {} needs fixed spatial dims, got {}",
               node.text("auto_pad", ""), x);
    const int64_t reach = (kernel[i] - 1) * dilation + 1;
    const int64_t total = std::max<int64_t>(0, ((*extent + stride - 1) / stride - 1) * stride + reach - *extent);
    pads[i] = upper ? total / 2 : total - total / 2;
    pads[i + kernel.size()] = total - pads[i];
  }
  return pads;
}

// The attribute `scales` or `sizes`. A size that is the input's own extent is left out as -1, also when it is only
// known as a symbol: sizes of a free batch are computed from the shape.
void set_target(Raiser& out, const Node& node, Attrs& attrs) {
  const DimShape x = out.shape(node, 0);
  std::vector<int64_t> axes(x.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (const auto given = node.integers("axes")) axes = *given;
  const auto sizes = out.contents(node, 3);
  const bool by_size = sizes && !sizes->empty();
  const Tensor* scales = by_size ? nullptr : out.constant(node, 2);
  PARE_CHECK(by_size ? sizes->size() == axes.size() : scales && scales->numel() == static_cast<int64_t>(axes.size()),
             ModelError, "expected {} scales or sizes", axes.size());
  std::vector<double> factors(x.size(), 1.0);
  std::vector<int64_t> extents(x.size(), -1);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(axes[i] < 0 ? axes[i] + static_cast<int64_t>(x.size()) : axes[i]);
    PARE_CHECK(axis < x.size(), ModelError, "expected axes of {} dims, got {}", x.size(), axes);
    if (!by_size) {
      factors[axis] = scales->to_doubles()[i];
      continue;
    }
    const auto size = (*sizes)[i].maybe_value();
    PARE_CHECK(size || (*sizes)[i] == x[axis], ModelError, "size {} of dim {} is neither a number nor the input's {}",
               (*sizes)[i], axis, x[axis]);
    extents[axis] = size.value_or(-1);
  }
  if (by_size) return attrs.set("sizes", extents);
  // Readers of the standard place the corners of a fraction of a pixel differently.
  for (size_t i = 0; i < x.size() && node.text("coordinate_transformation_mode", "half_pixel") == "align_corners";
       ++i) {
    const double extent = static_cast<double>(x[i].maybe_value().value_or(1)) * factors[i];
    PARE_CHECK(!x[i].is_constant() || extent == std::floor(extent), ModelError,
               "align_corners with scales that give {} elements of dim {}. Give sizes instead", extent, i);
  }
  attrs.set("scales", factors);
}

// What ConvTranspose pads, or adds behind, for the outputs that are asked for: stride * input of them with SAME.
void set_transposed(Raiser& out, const Node& node, const std::vector<int64_t>& kernel, bool upper, Attrs& attrs) {
  const DimShape x = out.shape(node, 0);
  PARE_CHECK(x.size() == kernel.size() + 2, ModelError, "expected {} spatial dims, got shape {}", kernel.size(), x);
  const auto list = [&](const char* name) { return node.integers(name).value_or(std::vector<int64_t>{}); };
  const auto strides = list("strides"), dilations = list("dilations"), given = list("output_shape");
  auto extra = list("output_padding");
  extra.resize(kernel.size());
  // Older exporters name all dims.
  const size_t skip = given.size() == x.size() ? 2 : 0;
  PARE_CHECK(given.empty() || given.size() == kernel.size() + skip, ModelError,
             "expected output_shape of {} dims, got {}", kernel.size(), given);
  std::vector<int64_t> pads(2 * kernel.size());
  for (size_t i = 0; i < kernel.size(); ++i) {
    const int64_t stride = at_or(strides, i, 1), dilation = at_or(dilations, i, 1);
    PARE_CHECK(extra[i] >= 0 && extra[i] < kMaxWindow, ModelError, "expected output_padding in [0, {}), got {}",
               kMaxWindow, extra);
    for (int64_t size : {kernel[i], stride, dilation})
      PARE_CHECK(size >= 1 && size < kMaxWindow, ModelError, "expected a window in [1, {}), got {}", kMaxWindow, size);
    const auto extent = x[i + 2].maybe_value();
    PARE_CHECK(extent && *extent < kMaxExtent, ModelError, "expected fixed spatial dims, got {}", x);
    const int64_t whole = stride * (*extent - 1) + extra[i] + (kernel[i] - 1) * dilation + 1;
    const int64_t wanted = given.empty() ? stride * *extent : given[i + skip];
    PARE_CHECK(wanted >= 1 && wanted < whole + stride, ModelError, "output {} of dim {} is not within 1 and {}", wanted,
               i + 2, whole + stride - 1);
    extra[i] += std::max<int64_t>(0, wanted - whole);
    const int64_t total = std::max<int64_t>(0, whole - wanted), half = total / 2, rest = total - half;
    pads[i] = upper ? half : rest;
    pads[i + kernel.size()] = upper ? rest : half;
  }
  attrs.set("pads", pads);
  attrs.set("output_padding", extra);
}

// Attributes of a window for some of its dims; `last` stands for a dim that it does not move along.
Attrs window_of(const Attrs& attrs, size_t rank, const std::vector<size_t>& dims, bool last) {
  Attrs out;
  for (const auto& [name, fallback] :
       {std::pair<const char*, int64_t>{"kernel_shape", 1}, {"strides", 1}, {"dilations", 1}, {"pads", 0}}) {
    const size_t ends = std::string(name) == "pads" ? 2 : 1;
    const auto all = attrs.integers(name, std::vector<int64_t>(ends * rank, fallback));
    PARE_CHECK(all.size() == ends * rank, ModelError, "expected {} values in {}, got {}", ends * rank, name, all);
    std::vector<int64_t> some;
    for (size_t end = 0; end < ends; ++end) {
      for (size_t d : dims) some.push_back(all[end * rank + d]);
      if (last) some.push_back(fallback);
    }
    out.set(name, some);
  }
  for (const char* name : {"ceil_mode", "count_include_pad"})
    if (attrs.has(name)) out.set(name, attrs.integer(name));
  return out;
}

// Three dims: rows and columns of each slice first, then along the slices. Means and the counts behind them are
// products.
void pool_volume(Raiser& out, const Node& node, const Attrs& attrs) {
  const DimShape x = out.shape(node, 0);
  std::vector<int64_t> size = {0};
  for (size_t i = 1; i < x.size(); ++i) {
    size.push_back(x[i].maybe_value().value_or(0));
    PARE_CHECK(size[i] >= 1 && size[i] < kMaxWindow, ModelError, "expected fixed dims behind the batch, got {}", x);
  }
  const auto reshape = [&](ValueId value, std::vector<int64_t> shape) {
    return out.step(node, "Reshape", {value}, {{"shape", std::move(shape)}});
  };
  const ValueId slices = reshape(out.input(node, 0), {0, size[1] * size[2], size[3], size[4]});
  const ValueId planes = out.step(node, node.op, {slices}, window_of(attrs, 3, {1, 2}, false));
  const DimShape plane = out.shape(planes);
  const ValueId lines =
      out.step(node, node.op, {reshape(planes, {0, size[1], size[2], -1})}, window_of(attrs, 3, {0}, true));
  const std::vector<int64_t> shape = {0, size[1], out.shape(lines)[2].value(), plane[2].value(), plane[3].value()};
  out.add(node, "Reshape", {lines}, {{"shape", shape}});
}

}  // namespace

void raise_window(Raiser& out, const Node& node) {
  Attrs attrs = out.attrs(node, node.op);
  auto kernel = node.integers("kernel_shape");
  const bool pool = node.op == "MaxPool" || node.op == "AveragePool";
  if (!kernel && !pool) {
    const DimShape w = out.shape(node, 1);
    kernel.emplace();
    for (size_t i = 2; i < w.size(); ++i) kernel->push_back(w[i].value());
  }
  PARE_CHECK(kernel, ModelError, "expected kernel_shape");
  const std::string mode = node.text("auto_pad", "NOTSET");
  const bool transposed = node.op == "ConvTranspose", upper = mode == "SAME_UPPER";
  if (transposed && (node.attrs.count("output_shape") || mode.rfind("SAME", 0) == 0)) {
    set_transposed(out, node, *kernel, upper, attrs);
  } else if (mode == "VALID") {
    attrs.set("pads", std::vector<int64_t>(2 * kernel->size()));
  } else if (mode != "NOTSET") {
    PARE_CHECK((upper || mode == "SAME_LOWER") && !transposed, ModelError, "auto_pad {}", mode);
    attrs.set("pads", same_pads(out, node, *kernel, upper));
  }
  PARE_CHECK(node.integer("storage_order", 0) == 0 || !out.wants(node, 1), ModelError,
             "storage_order is not supported");
  if (pool && !out.wants(node, 1) && kernel->size() == 3 && out.rank(node, 0) == 5)
    return pool_volume(out, node, attrs);
  out.add(node, node.op, out.inputs(node), attrs);
}

void raise_resize(Raiser& out, const Node& node) {
  for (const char* name : {"antialias", "exclude_outside"})
    PARE_CHECK(node.integer(name, 0) == 0, ModelError, "{} is not supported", name);
  PARE_CHECK(node.text("keep_aspect_ratio_policy", "stretch") == "stretch", ModelError,
             "keep_aspect_ratio_policy is not supported");
  Attrs attrs = out.attrs(node, "Resize");
  attrs.erase("scales");
  attrs.erase("sizes");
  const auto choose = [&](const char* name, const char* fallback, const std::set<std::string>& allowed) {
    PARE_CHECK(allowed.count(node.text(name, fallback)), ModelError, "{} {} is not supported", name,
               node.text(name, fallback));
  };
  choose("mode", "nearest", {"nearest", "linear"});
  choose("coordinate_transformation_mode", "half_pixel",
         {"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"});
  choose("nearest_mode", "round_prefer_floor", {"round_prefer_floor", "floor", "ceil", "round_prefer_ceil"});
  set_target(out, node, attrs);
  out.add(node, "Resize", out.inputs(node, 1), attrs);
}

}  // namespace pare::onnx
