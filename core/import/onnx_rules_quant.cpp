// Quantization: constants behind DequantizeLinear or a widening Cast keep their stored form.
#include <cmath>

#include "core/import/onnx_raise.h"

namespace pare::onnx {
namespace {

constexpr int64_t kMaxBlocked = 1 << 24;

int bits_of(DType dtype) {
  return static_cast<int>(8 * size_of(dtype));
}

bool is_signed(DType dtype) {
  return dtype == DType::kI8 || dtype == DType::kI16 || dtype == DType::kI32;
}

// The encoding of a constant with these scales. Blocked scales of matrices become groups.
Encoding affine_encoding(const Node& node, const Tensor& q, const Tensor& scale) {
  Encoding out{.codec = Codec::kAffine, .bits = bits_of(q.dtype()), .is_signed = is_signed(q.dtype())};
  const int64_t block = node.integer("block_size", 0);
  if (scale.numel() == 1 && block == 0) return out;
  int64_t axis = node.integer("axis", 1);
  if (axis < 0) axis += q.rank();
  PARE_CHECK(axis >= 0 && axis < q.rank(), ModelError, "expected an axis of shape {}, got {}", q.shape(),
             node.integer("axis", 1));
  if (block == 0) {
    PARE_CHECK(scale.rank() == 1 && scale.numel() == q.dim(axis), ModelError, "expected {} scales, got shape {}",
               q.dim(axis), scale.shape());
    out.axis = axis;
    return out;
  }
  PARE_CHECK(block > 0 && block <= q.dim(axis) && q.rank() == 2 && scale.rank() == 2, ModelError,
             "blocks of {} with scales of shape {} for {}", block, scale.shape(), q.shape());
  out.axis = 1 - axis;
  out.group_axis = axis;
  out.group_size = block;
  PARE_CHECK(scale.dim(1 - axis) == q.dim(1 - axis) && scale.dim(axis) == (q.dim(axis) + block - 1) / block, ModelError,
             "blocked scales of shape {} for {}", scale.shape(), q.shape());
  return out;
}

// Cells in the order of the format: index along the axis first, then the group.
Tensor cells_of(const Tensor& scale, const Encoding& encoding) {
  if (encoding.group_size == 0 || encoding.group_axis == 1) return scale.reshaped({scale.numel()});
  const Tensor flat = scale.reshaped({scale.numel()});
  std::vector<int64_t> order;
  for (int64_t c = 0; c < scale.dim(1); ++c)
    for (int64_t g = 0; g < scale.dim(0); ++g) order.push_back(g * scale.dim(1) + c);
  return take(flat, 0, order);
}

bool is_quantized(DType dtype) {
  return dtype == DType::kU8 || dtype == DType::kI8 || dtype == DType::kU16 || dtype == DType::kI16;
}

// Scales or zero points of blocks along an axis, repeated for each element.
ValueId spread(Raiser& out, const Node& node, size_t input) {
  const DimShape x = out.shape(node, 0), cells = out.shape(node, input);
  PARE_CHECK(cells.size() == x.size(), ModelError, "blocks of shape {} for {}", cells, x);
  const size_t axis = front_axis(node.integer("axis", 1), x.size());
  for (size_t d = 0; d < x.size(); ++d)
    PARE_CHECK(d == axis || x[d] == cells[d], ModelError, "blocks of shape {} for {}", cells, x);
  const int64_t block = node.integer("block_size", 0);
  const int64_t extent = x[axis].maybe_value().value_or(0), count = cells[axis].maybe_value().value_or(0);
  PARE_CHECK(block > 0 && extent > 0 && extent <= kMaxBlocked && count == (extent + block - 1) / block, ModelError,
             "blocks of {} with cells of shape {} for {}", block, cells, x);
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < extent; ++i) indices.push_back(i / block);
  const ValueId list = out.literal(node, "blocks", Tensor::of(indices, {extent}));
  return out.step(node, "Gather", {out.input(node, input), list}, {{"axis", static_cast<int64_t>(axis)}});
}

ValueId cast(Raiser& out, const Node& node, ValueId value, DType to) {
  return out.step(node, "Cast", {value}, {{"to", std::string(name_of(to))}});
}

// As QuantizeLinear is defined, element by element.
void quantize_blocks(Raiser& out, const Node& node, DType to) {
  PARE_CHECK(out.dtype(node, 0) == DType::kF32 && out.dtype(node, 1) == DType::kF32 && is_quantized(to), ModelError,
             "expected blocks of 32-bit floats");
  ValueId value = out.step(node, "Div", {out.input(node, 0), spread(out, node, 1)});
  value = out.step(node, "Round", {value});
  if (node.has_input(2)) value = out.step(node, "Add", {value, cast(out, node, spread(out, node, 2), DType::kF32)});
  const double top = std::exp2(bits_of(to) - (is_signed(to) ? 1 : 0)) - 1, bottom = is_signed(to) ? -top - 1 : 0;
  value = out.step(node, "Clip", {value}, {{"min", bottom}, {"max", top}});
  out.add(node, "Cast", {value}, {{"to", std::string(name_of(to))}});
}

void dequantize_blocks(Raiser& out, const Node& node) {
  PARE_CHECK(out.dtype(node, 1) == DType::kF32 && is_quantized(out.dtype(node, 0)), ModelError,
             "expected blocks of 8- or 16-bit integers with 32-bit scales");
  ValueId value = cast(out, node, out.input(node, 0), DType::kF32);
  if (node.has_input(2)) value = out.step(node, "Sub", {value, cast(out, node, spread(out, node, 2), DType::kF32)});
  out.add(node, "Mul", {value, spread(out, node, 1)}, {});
}

}  // namespace

void raise_dequantize(Raiser& out, const Node& node) {
  if (!node.has_input(0) || !out.is_constant(node, 0)) {
    PARE_CHECK(
        node.integer("output_dtype", 0) == 0 || node.integer("output_dtype", 0) == element_type_of(out.dtype(node, 1)),
        ModelError, "an output_dtype other than that of the scale is not supported");
    if (node.integer("block_size", 0) != 0) return dequantize_blocks(out, node);
    return out.add(node, node.op, out.inputs(node), out.attrs(node, node.op));
  }
  const Tensor q = *out.constant(node, 0);
  const Tensor* scale = out.constant(node, 1);
  const Tensor* zero = out.constant(node, 2);
  const bool integer = q.dtype() == DType::kI8 || q.dtype() == DType::kU8 || q.dtype() == DType::kI16 ||
                       q.dtype() == DType::kU16 || q.dtype() == DType::kI32;
  PARE_CHECK(integer && scale && scale->dtype() == DType::kF32 && (!zero || zero->dtype() == q.dtype()), ModelError,
             "expected integers of 8, 16 or 32 bits, float scales and zero points of the integers' type");
  PARE_CHECK(!zero || zero->shape() == scale->shape(), ModelError, "expected zero points of shape {}, got {}",
             scale->shape(), zero->shape());
  const Encoding encoding = affine_encoding(node, q, *scale);
  // All zero: the usual symmetric case, stored without zero points.
  bool any = false;
  if (zero)
    for (int64_t value : zero->to_ints()) any = any || value != 0;
  const Tensor zeros = any ? cells_of(zero->to(DType::kI32), encoding) : Tensor();
  out.set_constant(node, encode_affine(q.to(DType::kI32), cells_of(*scale, encoding), zeros, encoding));
}

void raise_quantize(Raiser& out, const Node& node) {
  PARE_CHECK(node.integer("precision", 0) == 0 || node.integer("precision", 0) == element_type_of(DType::kF32),
             ModelError, "expected a precision of 32-bit floats");
  const int64_t wanted = node.integer("output_dtype", 0);
  const auto dtype = wanted == 0 ? DType::kU8 : dtype_of_element_type(wanted).value_or(DType::kF32);
  PARE_CHECK(is_quantized(dtype), ModelError, "output_dtype {} is not supported", wanted);
  auto inputs = out.inputs(node);
  if (node.integer("block_size", 0) != 0)
    return quantize_blocks(out, node, node.has_input(2) ? out.dtype(node, 2) : dtype);
  if (!node.has_input(2) && dtype != DType::kU8) {
    Shape cells;
    for (const Dim& dim : out.shape(node, 1)) cells.push_back(dim.value());
    PARE_CHECK(numel_of(cells) <= kMaxBlocked, ModelError, "scales of shape {}", cells);
    inputs.push_back(out.literal(node, "zero_point", Tensor(dtype, cells)));
  }
  out.add(node, node.op, inputs, out.attrs(node, node.op));
}

void raise_cast(Raiser& out, const Node& node) {
  const bool like = node.op == "CastLike";
  const auto dtype = like ? std::optional(out.dtype(node, 1)) : dtype_of_element_type(node.integer("to", 0));
  PARE_CHECK(dtype, ModelError, "element type {} is not supported", node.integer("to", 0));
  const bool half = *dtype == DType::kF16 || *dtype == DType::kBF16;
  if (node.has_input(0) && out.is_constant(node, 0)) {
    if (out.encoded(node, 0).dtype == *dtype) return out.set_constant(node, out.encoded(node, 0));
    return out.set_constant(node, stored(out.constant(node, 0)->to(*dtype)));
  }
  const ValueId rounded = half ? cast(out, node, out.input(node, 0), *dtype) : out.input(node, 0);
  out.add(node, "Cast", {rounded}, {{"to", std::string(name_of(half ? DType::kF32 : *dtype))}});
}

}  // namespace pare::onnx
