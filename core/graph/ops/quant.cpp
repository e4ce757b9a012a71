// QuantizeLinear    x float, scale [] | [1] | [C], zero_point? of scale's shape; axis (1) -> dtype of zero_point, else U8
// DequantizeLinear  x integer, scale, zero_point?; axis (1) -> dtype of scale
// pare.FakeQuant    x float, scale F32 [1] | [C], zero_point I32 of scale's shape -> as x. bits (8; 2..16), signed (0),
//                   symmetric (0), axis (-1: one scale for the whole tensor). Quantizes and dequantizes at once, as
//                   core/base/quant_math.h says; freeze turns it into the two operators above.
#include "core/graph/ops/rules.h"

namespace pare {
namespace {

// Scale and zero point fit x: one cell, or one a cell of `axis`.
void check_params(const InferContext& context, int64_t axis) {
  const DimShape& scale = context.shape(1);
  const bool single = scale.empty() || (scale.size() == 1 && scale[0] == Dim(1));
  if (!single) {
    const size_t index = wrap_axis(context, axis, context.shape(0).size());
    expect_vector(context, 1, "scale size", context.shape(0)[index]);
  }
  if (context.has_input(2) && context.shape(2) != scale)
    context.fail(fmt("expected a zero point of shape {}, got {}", scale, context.shape(2)));
}

bool is_quantized(DType dtype) {
  return dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16 || dtype == DType::kU16 || dtype == DType::kI32;
}

void infer_quantize(InferContext& context) {
  check_params(context, context.attrs().integer("axis", 1));
  if (!is_float(context.dtype(0))) context.fail(fmt("expected a float input, got {}", context.dtype(0)));
  const DType to = context.has_input(2) ? context.dtype(2) : DType::kU8;
  if (!is_quantized(to) || to == DType::kI32) context.fail(fmt("expected an 8- or 16-bit zero point, got {}", to));
  context.set(0, context.shape(0), to);
}

void infer_dequantize(InferContext& context) {
  check_params(context, context.attrs().integer("axis", 1));
  if (!is_quantized(context.dtype(0))) context.fail(fmt("expected an integer input, got {}", context.dtype(0)));
  if (!is_float(context.dtype(1))) context.fail(fmt("expected a float scale, got {}", context.dtype(1)));
  context.set(0, context.shape(0), context.dtype(1));
}

void infer_fake_quant(InferContext& context) {
  const int64_t bits = context.attrs().integer("bits", 8);
  if (bits < 2 || bits > 16) context.fail(fmt("expected bits in [2, 16], got {}", bits));
  const int64_t axis = context.attrs().integer("axis", -1);
  check_params(context, axis);
  const DimShape& scale = context.shape(1);
  if (axis == -1 && !scale.empty() && scale[0] != Dim(1))
    context.fail(fmt("expected one scale without an axis, got {}", scale));
  same_as_input(context);
}

}  // namespace

void add_quant_ops(OpTable& ops) {
  const AttrSpec axis = {"axis", AttrType::kInt};
  ops.add({.name = "QuantizeLinear", .min_inputs = 2, .max_inputs = 3, .attrs = {axis}, .infer = infer_quantize});
  ops.add({.name = "DequantizeLinear", .min_inputs = 2, .max_inputs = 3, .attrs = {axis}, .infer = infer_dequantize});
  ops.add({.name = "pare.FakeQuant", .min_inputs = 3, .max_inputs = 3,
           .attrs = {axis, {"bits", AttrType::kInt}, {"signed", AttrType::kInt}, {"symmetric", AttrType::kInt}},
           .infer = infer_fake_quant});
}

}  // namespace pare
