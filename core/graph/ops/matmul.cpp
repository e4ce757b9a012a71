// Gemm    a [M, K], b [K, N], c? (broadcast to [M, N]) -> alpha * a * b + beta * c, [M, N]
//   alpha (1), beta (1), transA (0), transB (0). Linear layers have transB = 1 and b [out, in].
// MatMul  numpy matmul; leading dims broadcast.
#include "core/graph/ops/rules.h"

namespace pare {
namespace {

void infer_gemm(InferContext& context) {
  expect_rank(context, 0, 2);
  expect_rank(context, 1, 2);
  const bool trans_a = context.attrs().integer("transA", 0) != 0;
  const bool trans_b = context.attrs().integer("transB", 0) != 0;
  const DimShape& a = context.shape(0);
  const DimShape& b = context.shape(1);
  expect_dim(context, "inner size", b[trans_b ? 1 : 0], a[trans_a ? 0 : 1]);
  DimShape out = {a[trans_a ? 1 : 0], b[trans_b ? 0 : 1]};
  if (context.has_input(2) && broadcast(context, out, context.shape(2)) != out)
    context.fail(fmt("the third input {} does not broadcast to {}", context.shape(2), out));
  context.set(0, std::move(out), context.dtype(0));
}

int64_t gemm_macs(const CostContext& cost) {
  const bool trans_a = cost.node.attrs.integer("transA", 0) != 0;
  return numel_of({numel_of(cost.outputs[0]), cost.inputs[0][trans_a ? 0 : 1]});
}

void infer_matmul(InferContext& context) {
  DimShape a = context.shape(0), b = context.shape(1);
  if (a.empty() || b.empty()) context.fail("expected at least one dim of both inputs");
  const bool vector_a = a.size() == 1, vector_b = b.size() == 1;
  if (vector_a) a.insert(a.begin(), Dim(1));
  if (vector_b) b.push_back(Dim(1));
  expect_dim(context, "inner size", b[b.size() - 2], a.back());
  DimShape out = broadcast(context, DimShape(a.begin(), a.end() - 2), DimShape(b.begin(), b.end() - 2));
  if (!vector_a) out.push_back(a[a.size() - 2]);
  if (!vector_b) out.push_back(b.back());
  context.set(0, std::move(out), context.dtype(0));
}

int64_t matmul_macs(const CostContext& cost) {
  return numel_of({numel_of(cost.outputs[0]), cost.inputs[0].back()});
}

}  // namespace

void add_matmul_ops(OpTable& ops) {
  ops.add({.name = "Gemm", .min_inputs = 2, .max_inputs = 3,
           .attrs = {{"alpha", AttrType::kFloat}, {"beta", AttrType::kFloat}, {"transA", AttrType::kInt},
                     {"transB", AttrType::kInt}},
           .infer = infer_gemm, .macs = gemm_macs});
  ops.add({.name = "MatMul", .min_inputs = 2, .max_inputs = 2, .infer = infer_matmul, .macs = matmul_macs});
}

}  // namespace pare
