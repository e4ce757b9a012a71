#include "core/runtime/kernels/ref/gemm_geometry.h"

#include "core/runtime/kernels/ref/helpers.h"

namespace pare::ref {

GemmGeometry gemm_geometry(const KernelSetup& setup) {
  expect_dtype(setup, DType::kF32, 0, 2);
  const Shape &a = setup.input(0).shape, &b = setup.input(1).shape;
  setup.check(a.size() == 2 && b.size() == 2, fmt("expected matrices, got {} and {}", a, b));
  GemmGeometry g;
  g.p.trans_a = setup.attrs().integer("transA", 0) != 0;
  g.p.trans_b = setup.attrs().integer("transB", 0) != 0;
  g.p.m = a[g.p.trans_a ? 1 : 0], g.p.k = a[g.p.trans_a ? 0 : 1], g.p.n = b[g.p.trans_b ? 0 : 1];
  setup.check(b[g.p.trans_b ? 1 : 0] == g.p.k, fmt("expected equal inner sizes, got {} and {}", a, b));
  expect_shape(setup, setup.output(), {g.p.m, g.p.n}, "the output");
  g.alpha = static_cast<float>(setup.attrs().number("alpha", 1.0));
  g.beta = static_cast<float>(setup.attrs().number("beta", 1.0));
  g.has_c = setup.has_input(2);
  if (g.has_c) g.c_strides = broadcast_strides(setup, setup.input(2).shape, {g.p.m, g.p.n});
  return g;
}

MatMulGeometry matmul_geometry(const KernelSetup& setup) {
  expect_dtype(setup, DType::kF32, 0, 1);
  Shape a = setup.input(0).shape, b = setup.input(1).shape;
  setup.check(!a.empty() && !b.empty() && a.size() <= kMaxRank && b.size() <= kMaxRank,
              fmt("expected ranks from 1 to {}, got {} and {}", kMaxRank, a, b));
  if (a.size() == 1) a.insert(a.begin(), 1);
  if (b.size() == 1) b.push_back(1);
  MatMulGeometry g;
  g.p.m = a[a.size() - 2], g.p.k = a.back(), g.p.n = b.back();
  setup.check(b[b.size() - 2] == g.p.k, fmt("expected equal inner sizes, got {} and {}", a, b));
  Shape lead_a(a.begin(), a.end() - 2), lead_b(b.begin(), b.end() - 2);
  if (lead_b.empty() && setup.is_constant(1)) {   // one matrix for all rows
    g.p.m = checked_product(setup, {numel_of(lead_a), g.p.m});
    lead_a.clear();
  }
  const Shape& longer = lead_a.size() >= lead_b.size() ? lead_a : lead_b;
  g.batch = longer;
  for (size_t i = 0; i < longer.size(); ++i) {
    const size_t from_end = longer.size() - i;
    const int64_t da = from_end <= lead_a.size() ? lead_a[lead_a.size() - from_end] : 1;
    const int64_t db = from_end <= lead_b.size() ? lead_b[lead_b.size() - from_end] : 1;
    g.batch[i] = da == 1 ? db : da;
  }
  g.a_strides = broadcast_strides(setup, lead_a, g.batch);
  g.b_strides = broadcast_strides(setup, lead_b, g.batch);
  g.products = numel_of(g.batch);
  for (Shape* list : {&g.batch, &g.a_strides, &g.b_strides}) list->push_back(1);
  setup.check(checked_product(setup, {g.products, g.p.m, g.p.n}) == setup.output().numel, "the output has another size");
  g.one_right = setup.is_constant(1) && lead_b.empty();
  return g;
}

}  // namespace pare::ref
