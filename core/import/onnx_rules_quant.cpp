// Quantization: constants behind DequantizeLinear or a widening Cast keep their stored form.
#include "core/import/onnx_raise.h"

namespace pare::onnx {
namespace {

int bits_of(DType dtype) { return static_cast<int>(8 * size_of(dtype)); }

bool is_signed(DType dtype) { return dtype == DType::kI8 || dtype == DType::kI16 || dtype == DType::kI32; }

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

}  // namespace

void raise_dequantize(Raiser& out, const Node& node) {
  if (!node.has_input(0) || !out.is_constant(node, 0)) {
    PARE_CHECK(node.integer("block_size", 0) == 0, ModelError, "block_size of a computed input is not supported");
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
  PARE_CHECK(node.integer("block_size", 0) == 0, ModelError, "block_size is not supported");
  PARE_CHECK(node.has_input(2) || node.integer("output_dtype", 0) == 0 ||
                 node.integer("output_dtype", 0) == element_type_of(DType::kU8),
             ModelError, "output_dtype without a zero point is not supported");
  out.add(node, node.op, out.inputs(node), out.attrs(node, node.op));
}

void raise_cast(Raiser& out, const Node& node) {
  const auto dtype = dtype_of_element_type(node.integer("to", 0));
  PARE_CHECK(dtype, ModelError, "element type {} is not supported", node.integer("to", 0));
  if (node.has_input(0) && out.is_constant(node, 0)) {
    const Tensor& from = *out.constant(node, 0);
    Encoding encoding;
    if (*dtype == DType::kF32 && from.dtype() == DType::kF16) encoding.codec = Codec::kF16;
    if (*dtype == DType::kF32 && from.dtype() == DType::kBF16) encoding.codec = Codec::kBF16;
    return out.set_constant(node, encode(from.to(*dtype), encoding));
  }
  out.add(node, "Cast", out.inputs(node), {{"to", std::string(name_of(*dtype))}});
}

}  // namespace pare::onnx
