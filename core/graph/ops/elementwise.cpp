// Numpy broadcasting, both inputs of one dtype.
//   Add Sub Mul Div Pow -> dtype of the inputs (integer Div truncates); Min Max: any number of inputs
//   Equal Less Greater -> BOOL; And Or Not: BOOL; Where: condition BOOL, then two of one dtype
#include <algorithm>

#include "core/graph/ops/rules.h"

namespace pare {
namespace {

DimShape broadcast_all(const InferContext& context, size_t first) {
  DimShape out = context.shape(first);
  for (size_t i = first + 1; i < context.node().inputs.size(); ++i) {
    if (context.dtype(i) != context.dtype(first))
      context.fail(fmt("expected inputs of one dtype, got {} and {}", context.dtype(first), context.dtype(i)));
    out = broadcast(context, out, context.shape(i));
  }
  return out;
}

// Shape arithmetic: contents of vectors and scalars follow the operator where dims allow it.
void infer_arithmetic(InferContext& context) {
  context.set(0, broadcast_all(context, 0), context.dtype(0));
  const DimShape* a = context.contents(0);
  const DimShape* b = context.contents(1);
  if (!a || !b || a->empty() || b->empty() || context.results[0].shape->size() > 1) return;
  DimShape out;
  for (size_t i = 0; i < std::max(a->size(), b->size()); ++i) {
    const Dim& x = (*a)[a->size() == 1 ? 0 : i];
    const Dim& y = (*b)[b->size() == 1 ? 0 : i];
    const std::string& op = context.node().op;
    if (op == "Add") out.push_back(x + y);
    else if (op == "Sub") out.push_back(x - y);
    else if (op == "Mul") out.push_back(x * y);
    else if (y.maybe_value().value_or(0) > 0 && x.maybe_value().value_or(0) >= 0) out.push_back(x.floor_div(y));
    else return;
  }
  context.set_contents(0, std::move(out));
}

void infer_broadcast(InferContext& context) { context.set(0, broadcast_all(context, 0), context.dtype(0)); }

// Numbers among the shape arithmetic; two symbols have no known larger one.
void infer_extremum(InferContext& context) {
  infer_broadcast(context);
  if (context.results[0].shape->size() > 1) return;
  std::vector<int64_t> out;
  for (size_t i = 0; i < context.node().inputs.size(); ++i) {
    const DimShape* next = context.contents(i);
    if (!next || next->empty()) return;
    const size_t size = i == 0 ? next->size() : std::max(out.size(), next->size());
    if (out.size() < size) out.resize(size, i == 0 ? 0 : out[0]);
    for (size_t k = 0; k < size; ++k) {
      const auto value = (*next)[next->size() == 1 ? 0 : k].maybe_value();
      if (!value) return;
      out[k] = i == 0 ? *value : context.node().op == "Max" ? std::max(out[k], *value) : std::min(out[k], *value);
    }
  }
  context.set_contents(0, to_dims(out));
}

void infer_compare(InferContext& context) { context.set(0, broadcast_all(context, 0), DType::kBool); }

void infer_logic(InferContext& context) {
  if (context.dtype(0) != DType::kBool) context.fail(fmt("expected BOOL inputs, got {}", context.dtype(0)));
  infer_compare(context);
}

void infer_where(InferContext& context) {
  if (context.dtype(0) != DType::kBool) context.fail(fmt("expected a BOOL condition, got {}", context.dtype(0)));
  context.set(0, broadcast(context, context.shape(0), broadcast_all(context, 1)), context.dtype(1));
}

}  // namespace

void add_elementwise_ops(OpTable& ops) {
  for (const char* name : {"Add", "Sub", "Mul", "Div"})
    ops.add({.name = name, .min_inputs = 2, .max_inputs = 2, .infer = infer_arithmetic});
  ops.add({.name = "Pow", .min_inputs = 2, .max_inputs = 2, .infer = infer_broadcast});
  for (const char* name : {"Min", "Max"}) ops.add({.name = name, .max_inputs = -1, .infer = infer_extremum});
  for (const char* name : {"Equal", "Less", "Greater"})
    ops.add({.name = name, .min_inputs = 2, .max_inputs = 2, .infer = infer_compare});
  for (const char* name : {"And", "Or"}) ops.add({.name = name, .min_inputs = 2, .max_inputs = 2, .infer = infer_logic});
  ops.add({.name = "Not", .infer = infer_logic});
  ops.add({.name = "Where", .min_inputs = 3, .max_inputs = 3, .infer = infer_where});
}

}  // namespace pare
