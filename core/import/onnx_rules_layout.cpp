// Padding, blocks of pixels, and constants that a shape determines.
#include <algorithm>
#include <cmath>

#include "core/import/onnx_raise.h"

namespace pare::onnx {
namespace {

// Constants that a rule makes, and dims that it walks through: far beyond real models.
constexpr int64_t kMaxMade = 1 << 24;
// Integers up to here are exact as doubles.
constexpr double kExact = 9007199254740992.0;

int64_t extent_of(const DimShape& shape, size_t axis) {
  const auto extent = shape.at(axis).maybe_value();
  PARE_CHECK(extent && *extent >= 0 && *extent <= kMaxMade, ModelError, "expected a fixed dim {} up to {}, got {}",
             axis, kMaxMade, shape);
  return *extent;
}

// Behind the end comes the front again.
ValueId wrapped(Raiser& out, const Node& node, const std::vector<int64_t>& pads) {
  const DimShape x = out.shape(node, 0);
  PARE_CHECK(pads.size() == 2 * x.size(), ModelError, "expected {} pads, got {}", 2 * x.size(), pads);
  ValueId value = out.input(node, 0);
  for (size_t d = 0; d < x.size(); ++d) {
    const int64_t front = pads[d], back = pads[d + x.size()];
    if (front == 0 && back == 0) continue;
    const int64_t extent = extent_of(x, d);
    PARE_CHECK(extent > 0, ModelError, "expected elements to repeat, got {}", x);
    for (int64_t pad : {front, back})
      PARE_CHECK(pad >= -extent && pad <= kMaxMade, ModelError, "expected pads in [{}, {}], got {}", -extent, kMaxMade,
                 pads);
    std::vector<int64_t> indices;
    for (int64_t i = -front; i < extent + back; ++i) indices.push_back((i % extent + extent) % extent);
    const ValueId list = out.literal(node, "wrap", Tensor::of(indices, {static_cast<int64_t>(indices.size())}));
    value = out.step(node, "Gather", {value, list}, {{"axis", static_cast<int64_t>(d)}});
  }
  return value;
}

// Pads of the named axes as pads of all.
std::vector<int64_t> pads_of_all(const std::vector<int64_t>& pads, const std::vector<int64_t>& axes, size_t rank) {
  PARE_CHECK(pads.size() == 2 * axes.size(), ModelError, "expected {} pads, got {}", 2 * axes.size(), pads);
  std::vector<int64_t> out(2 * rank);
  for (size_t i = 0; i < axes.size(); ++i) {
    const size_t axis = front_axis(axes[i], rank);
    out[axis] = pads[i];
    out[axis + rank] = pads[i + axes.size()];
  }
  return out;
}

}  // namespace

// [N, C, H/b, b, W/b, b] with the blocks' positions in front of the channels (DCR) or behind them (CRD).
void raise_space_to_depth(Raiser& out, const Node& node) {
  const DimShape x = out.shape(node, 0);
  const int64_t b = node.integer("blocksize", 0);
  PARE_CHECK(x.size() == 4 && b >= 1 && b <= 1024, ModelError,
             "expected four dims and a blocksize in [1, 1024], got {}", b);
  const int64_t c = extent_of(x, 1), h = extent_of(x, 2), w = extent_of(x, 3);
  PARE_CHECK(h % b == 0 && w % b == 0, ModelError, "expected {} to split into blocks of {}", x, b);
  const std::string mode = node.text("mode", "DCR");
  PARE_CHECK(mode == "DCR" || mode == "CRD", ModelError, "expected mode DCR or CRD, got {}", mode);
  const std::vector<int64_t> order =
      mode == "DCR" ? std::vector<int64_t>{0, 3, 5, 1, 2, 4} : std::vector<int64_t>{0, 1, 3, 5, 2, 4};
  const std::vector<int64_t> blocks = {0, c, h / b, b, w / b, b}, flat = {0, c * b * b, h / b, w / b};
  const ValueId split = out.step(node, "Reshape", {out.input(node, 0)}, {{"shape", blocks}});
  out.add(node, "Reshape", {out.step(node, "Transpose", {split}, {{"perm", order}})}, {{"shape", flat}});
}

// A constant where the shape is fixed, else one number that is expanded.
void raise_constant_of_shape(Raiser& out, const Node& node) {
  Tensor value = Tensor::scalar<float>(0);
  if (const auto found = node.attrs.find("value"); found != node.attrs.end()) {
    const auto* given = std::get_if<Tensor>(&found->second);
    PARE_CHECK(given && given->numel() == 1, ModelError, "expected one number as value");
    value = given->reshaped({});
  }
  const auto dims = out.contents(node, 0);
  if (dims && !std::all_of(dims->begin(), dims->end(), [](const Dim& d) { return d.is_constant(); }))
    return out.add(node, "Expand", {out.literal(node, "value", value), out.input(node, 0)}, {});
  const auto shape = out.integers(node, 0);
  PARE_CHECK(shape && std::all_of(shape->begin(), shape->end(), [](int64_t d) { return d >= 0 && d <= kMaxMade; }) &&
                 numel_of(*shape) <= kMaxMade,
             ModelError, "expected a shape of at most {} elements", kMaxMade);
  const std::vector<int64_t> copies(static_cast<size_t>(numel_of(*shape)));
  out.set_constant(node, stored(take(value.reshaped({1}), 0, copies).reshaped(*shape)));
}

void raise_range(Raiser& out, const Node& node) {
  const DType dtype = out.dtype(node, 0);
  double given[3] = {};
  for (size_t i = 0; i < 3; ++i) {
    PARE_CHECK(out.dtype(node, i) == dtype, ModelError, "expected numbers of one type");
    const auto list = is_float(dtype) ? std::nullopt : out.integers(node, i);
    const auto numbers =
        is_float(dtype) ? out.constant(node, i)->to_doubles() : std::vector<double>(list->begin(), list->end());
    PARE_CHECK(numbers.size() == 1 && std::abs(numbers[0]) <= kExact, ModelError, "expected three numbers up to {}",
               kExact);
    given[i] = numbers[0];
  }
  const double count = std::max(0.0, std::ceil((given[1] - given[0]) / given[2]));
  PARE_CHECK(given[2] != 0.0 && count <= static_cast<double>(kMaxMade), ModelError, "expected at most {} steps, got {}",
             kMaxMade, count);
  std::vector<double> values;
  for (int64_t i = 0; i < static_cast<int64_t>(count); ++i)
    values.push_back(given[0] + static_cast<double>(i) * given[2]);
  out.set_constant(node, stored(Tensor::of(values, {static_cast<int64_t>(values.size())}).to(dtype)));
}

void raise_size(Raiser& out, const Node& node) {
  const Dim total = product_of(out.shape(node, 0));
  PARE_CHECK(total.is_constant(), ModelError, "the number of elements {} is not fixed", total);
  out.set_constant(node, encode_raw(Tensor::scalar<int64_t>(total.value())));
}

// Keeps the elements on one side of a diagonal.
void raise_triangle(Raiser& out, const Node& node) {
  const DimShape x = out.shape(node, 0);
  PARE_CHECK(x.size() >= 2, ModelError, "expected at least 2 dims, got {}", x);
  const int64_t rows = extent_of(x, x.size() - 2), columns = extent_of(x, x.size() - 1);
  const auto list = out.integers(node, 1);
  const int64_t k = list && list->size() == 1 ? std::clamp(list->front(), -kMaxMade, kMaxMade) : 0;
  PARE_CHECK((!list || list->size() == 1) && rows * columns <= kMaxMade, ModelError, "a triangle of {} x {}", rows,
             columns);
  Tensor mask(DType::kBool, {rows, columns});
  const bool upper = node.integer("upper", 1) != 0;
  std::byte* cells = mask.mutable_bytes();
  for (int64_t i = 0; i < rows * columns; ++i) {
    const int64_t diagonal = i % columns - i / columns;
    cells[i] = std::byte{static_cast<unsigned char>(upper ? diagonal >= k : diagonal <= k)};
  }
  out.add(
      node, "Where",
      {out.literal(node, "mask", mask), out.input(node, 0), out.literal(node, "zero", Tensor(out.dtype(node, 0), {}))},
      {});
}

void raise_pad(Raiser& out, const Node& node) {
  auto pads = list_of(out, node, "pads", 1);
  PARE_CHECK(pads, ModelError, "expected pads");
  if (const auto axes = out.integers(node, 3)) pads = pads_of_all(*pads, *axes, static_cast<size_t>(out.rank(node, 0)));
  const std::string mode = node.text("mode", "constant");
  if (mode == "wrap") return out.add(node, "Identity", {wrapped(out, node, *pads)}, {});
  Attrs attrs = {{"pads", *pads}, {"mode", mode}};
  if (const Tensor* value = out.constant(node, 2)) {
    PARE_CHECK(value->numel() == 1, ModelError, "expected one number as constant_value, got shape {}", value->shape());
    attrs.set("value", value->to_doubles()[0]);
  }
  out.add(node, "Pad", out.inputs(node, 1), attrs);
}

}  // namespace pare::onnx
