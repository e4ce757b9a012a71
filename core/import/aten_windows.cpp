// Sliding windows and resizing.
#include "core/import/aten_lower.h"

namespace pare::aten {
namespace {

using Ints = std::vector<int64_t>;

// Far beyond real models, small enough that products of them do not overflow.
constexpr int64_t kMaxWindow = 1 << 20;

size_t spatial(Lowering& out, ValueId x) {
  PARE_CHECK(out.rank(x) >= 3 && out.rank(x) <= 5, ModelError, "expected [N, C, ...] with 1 to 3 spatial dims, got {}",
             out.shape(x));
  return static_cast<size_t>(out.rank(x) - 2);
}

Ints both_sides(const Ints& pads) {
  Ints out = pads;
  out.insert(out.end(), pads.begin(), pads.end());
  return out;
}

Ints kernel_of(Lowering& out, ValueId weight) {
  Ints kernel;
  for (size_t i = 2; i < out.shape(weight).size(); ++i) kernel.push_back(out.shape(weight)[i].value());
  return kernel;
}

// "same": as many outputs as inputs; the odd pad goes behind.
Ints conv_pads(Lowering& out, const Call& call, const Ints& kernel, const Ints& dilation) {
  if (call.overload != "padding") return both_sides(out.spread(call, "padding", kernel.size(), 0));
  Ints pads(2 * kernel.size());
  const std::string mode = out.text(call, "padding", "valid");
  PARE_CHECK(mode == "valid" || mode == "same", ModelError, "padding {} is not supported", mode);
  for (size_t i = 0; mode == "same" && i < kernel.size(); ++i) {
    PARE_CHECK(dilation[i] >= 1 && dilation[i] < kMaxWindow && kernel[i] < kMaxWindow, ModelError, "dilation {}",
               dilation);
    const int64_t total = dilation[i] * (kernel[i] - 1);
    pads[i] = total / 2;
    pads[i + kernel.size()] = total - pads[i];
  }
  return pads;
}

void conv(Lowering& out, const Call& call, const char* op) {
  const bool transposed = op ? std::string(op) == "ConvTranspose" : out.flag(call, "transposed", false);
  const ValueId x = out.tensor(call, "input"), weight = out.tensor(call, "weight");
  const size_t count = spatial(out, x);
  const Ints kernel = kernel_of(out, weight), dilation = out.spread(call, "dilation", count, 1);
  PARE_CHECK(kernel.size() == count, ModelError, "expected a weight of {} dims, got {}", count + 2, out.shape(weight));
  Attrs attrs = {{"strides", out.spread(call, "stride", count, 1)}, {"pads", conv_pads(out, call, kernel, dilation)}};
  for (int64_t d : dilation)
    if (d != 1) attrs.set("dilations", dilation);
  if (const int64_t groups = out.integer(call, "groups", 1); groups != 1) attrs.set("group", groups);
  if (transposed) attrs.set("output_padding", out.spread(call, "output_padding", count, 0));
  out.add(call, transposed ? "ConvTranspose" : "Conv", {x, weight, out.tensor_or_none(call, "bias")}, attrs);
}

void pool(Lowering& out, const Call& call, const char* op) {
  const ValueId x = out.tensor(call, "self");
  const size_t count = spatial(out, x);
  const Ints kernel = out.spread(call, "kernel_size", count, 1);
  const bool has_stride = out.has(call, "stride") && !out.integers(call, "stride").empty();
  Attrs attrs = {{"kernel_shape", kernel},
                 {"strides", has_stride ? out.spread(call, "stride", count, 1) : kernel},
                 {"pads", both_sides(out.spread(call, "padding", count, 0))}};
  if (out.flag(call, "ceil_mode", false)) attrs.set("ceil_mode", int64_t{1});
  if (std::string(op) == "AveragePool") {
    PARE_CHECK(!out.has(call, "divisor_override"), ModelError, "divisor_override is not supported");
    attrs.set("count_include_pad", int64_t{out.flag(call, "count_include_pad", true)});
  } else {
    attrs.set("dilations", out.spread(call, "dilation", count, 1));
  }
  out.add(call, op, {x}, attrs);
}

// One cell, or windows of one size where the extents divide evenly.
void adaptive_pool(Lowering& out, const Call& call, const char* op) {
  const ValueId x = out.tensor(call, "self");
  const size_t count = spatial(out, x);
  const Ints size = out.spread(call, "output_size", count, 1);
  const bool average = std::string(op) == "AveragePool";
  if (size == Ints(count, 1)) {
    if (average) return out.add(call, "GlobalAveragePool", {x});
    Ints axes;
    for (size_t i = 0; i < count; ++i) axes.push_back(static_cast<int64_t>(i) + 2);
    return out.add(call, "ReduceMax", {x}, {{"axes", axes}, {"keepdims", int64_t{1}}});
  }
  Ints kernel;
  for (size_t i = 0; i < count; ++i) {
    const auto extent = out.shape(x)[i + 2].maybe_value();
    PARE_CHECK(extent && size[i] >= 1 && *extent % size[i] == 0, ModelError, "{} cells do not divide {} evenly", size,
               out.shape(x));
    kernel.push_back(*extent / size[i]);
  }
  out.add(call, op, {x}, {{"kernel_shape", kernel}, {"strides", kernel}});
}

// output_size wins over factors, as in PyTorch. Factors come as a list (overload vec) or one by one.
void upsample(Lowering& out, const Call& call, const char* op) {
  const ValueId x = out.tensor(call, call.args.count("input") ? "input" : "self");
  const size_t count = spatial(out, x);
  const bool linear = std::string(op) == "linear";
  Attrs attrs = {{"mode", std::string(op)}};
  if (linear)
    attrs.set("coordinate_transformation_mode",
              std::string(out.flag(call, "align_corners", false) ? "align_corners" : "half_pixel"));
  else
    attrs.set("coordinate_transformation_mode", std::string("asymmetric"));
  if (!linear) attrs.set("nearest_mode", std::string("floor"));
  if (out.has(call, "output_size")) {
    Ints sizes = {-1, -1};
    for (int64_t size : out.spread(call, "output_size", count, 1)) sizes.push_back(size);
    attrs.set("sizes", sizes);
  } else {
    std::vector<double> scales = {1, 1};
    const auto found = call.args.find("scale_factors");
    const auto* list = found == call.args.end() ? nullptr : found->second.as<std::vector<Arg>>();
    PARE_CHECK(list && list->size() == count, ModelError, "expected {} scale factors", count);
    for (const Arg& item : *list) {
      PARE_CHECK(item.as<double>() || item.as<int64_t>(), ModelError, "expected numbers as scale factors");
      scales.push_back(item.as<double>() ? *item.as<double>() : static_cast<double>(*item.as<int64_t>()));
    }
    attrs.set("scales", scales);
  }
  out.add(call, "Resize", {x}, attrs);
}

void pixel_shuffle(Lowering& out, const Call& call, const char*) {
  out.add(call, "DepthToSpace", {out.tensor(call, "self")},
          {{"blocksize", out.integer(call, "upscale_factor")}, {"mode", std::string("CRD")}});
}

constexpr Row kWindowRows[] = {{"conv1d", conv, "Conv"},
                         {"conv2d", conv, "Conv"},
                         {"conv3d", conv, "Conv"},
                         {"convolution", conv},
                         {"conv_transpose1d", conv, "ConvTranspose"},
                         {"conv_transpose2d", conv, "ConvTranspose"},
                         {"conv_transpose3d", conv, "ConvTranspose"},
                         {"max_pool1d", pool, "MaxPool"},
                         {"max_pool2d", pool, "MaxPool"},
                         {"max_pool3d", pool, "MaxPool"},
                         {"max_pool2d_with_indices", pool, "MaxPool"},
                         {"avg_pool1d", pool, "AveragePool"},
                         {"avg_pool2d", pool, "AveragePool"},
                         {"avg_pool3d", pool, "AveragePool"},
                         {"adaptive_avg_pool1d", adaptive_pool, "AveragePool"},
                         {"adaptive_avg_pool2d", adaptive_pool, "AveragePool"},
                         {"_adaptive_avg_pool2d", adaptive_pool, "AveragePool"},
                         {"adaptive_max_pool2d", adaptive_pool, "MaxPool"},
                         {"upsample_nearest2d", upsample, "nearest"},
                         {"upsample_bilinear2d", upsample, "linear"},
                         {"pixel_shuffle", pixel_shuffle}};

}  // namespace

std::span<const Row> window_rows() {
  return kWindowRows;
}

}  // namespace pare::aten
