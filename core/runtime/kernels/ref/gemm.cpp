// Gemm and MatMul, float32: rows of the left operand times panels of the right one. A constant right operand is stored as
// panels once; another one is gathered at each run.
#include <algorithm>
#include <cstring>

#include "core/runtime/kernels/ref/gemm_panel.h"
#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/ref/ref.h"

namespace pare {
namespace {

using namespace ref;

// out [m, n] = a [m, k] * b [k, n], both possibly stored transposed.
struct Product {
  int64_t m = 0, k = 0, n = 0;
  bool trans_a = false, trans_b = false;

  int64_t panels() const { return (n + kPanelColumns - 1) / kPanelColumns; }
  int64_t panel_size() const { return k * kPanelColumns; }
};

// Columns [first, first + kPanelColumns) of b as a panel.
void gather_panel(const Product& p, const float* b, int64_t first, float* panel) {
  const int64_t count = std::min(kPanelColumns, p.n - first);
  const int64_t row_step = p.trans_b ? 1 : p.n, column_step = p.trans_b ? p.k : 1;
  for (int64_t k = 0; k < p.k; ++k, panel += kPanelColumns) {
    for (int64_t c = 0; c < count; ++c) panel[c] = b[k * row_step + (first + c) * column_step];
    std::fill(panel + count, panel + kPanelColumns, 0.0f);
  }
}

Tensor pack_panels(const Product& p, const Tensor& b) {
  Tensor out(DType::kF32, {p.panels(), p.k, kPanelColumns});
  float* panels = out.mutable_data<float>();
  for (int64_t i = 0; i < p.panels(); ++i) gather_panel(p, b.data<float>(), i * kPanelColumns, panels + i * p.panel_size());
  return out;
}

// Left operands are read by rows.
void transpose_left(const Product& p, const float* a, float* rows) {
  for (int64_t m = 0; m < p.m; ++m) {
    for (int64_t k = 0; k < p.k; ++k) rows[m * p.k + k] = a[k * p.m + m];
  }
}

// Rows are cut in blocks, so that both many rows and many columns spread over threads.
constexpr int64_t kRowBlock = 64;

// One product; `packed` holds b's panels, or is null and `panel` takes one at a time.
void multiply(const Product& p, const float* a, const float* b, const float* packed, float* panel, float* out, int64_t i) {
  const int64_t column = i % p.panels() * kPanelColumns, row = i / p.panels() * kRowBlock;
  if (!packed) gather_panel(p, b, column, panel);
  multiply_panel(a + row * p.k, p.k, std::min(kRowBlock, p.m - row), packed ? packed + column * p.k : panel, p.k, nullptr,
                 out + row * p.n + column, p.n, std::min(kPanelColumns, p.n - column));
}

int64_t row_blocks(const Product& p) { return (p.m + kRowBlock - 1) / kRowBlock; }

std::vector<size_t> repacked_right(const Tensor& packed) {
  return packed.defined() ? std::vector<size_t>{1} : std::vector<size_t>{};
}

struct GemmPlan {
  Product p;
  float alpha = 1.0f, beta = 1.0f;
  bool has_c = false;
  Shape c_strides;
  Tensor packed;
  int64_t panel_bytes = 0;   // of all threads, in front of the transposed left operand
};

void add_c(const GemmPlan& g, const float* c, float* out, int64_t begin, int64_t end) {
  for (int64_t m = begin; m < end; ++m) {
    for (int64_t n = 0; n < g.p.n; ++n) {
      float& value = out[m * g.p.n + n];
      if (g.alpha != 1.0f) value *= g.alpha;
      if (c) value += g.beta * c[m * g.c_strides[0] + n * g.c_strides[1]];
    }
  }
}

void run_gemm(const GemmPlan& g, const KernelCall& call) {
  const float* a = call.in<float>(0);
  if (g.p.trans_a) {
    auto* rows = reinterpret_cast<float*>(call.workspace + g.panel_bytes);
    transpose_left(g.p, a, rows);
    a = rows;
  }
  float* out = call.out<float>();
  call.pool.parallel(row_blocks(g.p) * g.p.panels(), 1, [&](int64_t begin, int64_t end, int thread) {
    float* panel = reinterpret_cast<float*>(call.workspace) + thread * g.p.panel_size();
    const float* packed = g.packed.defined() ? g.packed.data<float>() : nullptr;
    for (int64_t i = begin; i < end; ++i) multiply(g.p, a, call.in<float>(1), packed, panel, out, i);
  });
  if (!g.has_c && g.alpha == 1.0f) return;
  const float* c = g.has_c ? call.in<float>(2) : nullptr;
  call.pool.parallel(g.p.m, kElementGrain / (g.p.n + 1) + 1,
                     [&](int64_t begin, int64_t end, int) { add_c(g, c, out, begin, end); });
}

BoundKernel bind_gemm(const KernelSetup& setup) {
  expect_dtype(setup, DType::kF32, 0, 2);
  const Shape &a = setup.input(0).shape, &b = setup.input(1).shape;
  setup.check(a.size() == 2 && b.size() == 2, fmt("expected matrices, got {} and {}", a, b));
  GemmPlan g;
  g.p.trans_a = setup.attrs().integer("transA", 0) != 0;
  g.p.trans_b = setup.attrs().integer("transB", 0) != 0;
  g.p.m = a[g.p.trans_a ? 1 : 0], g.p.k = a[g.p.trans_a ? 0 : 1], g.p.n = b[g.p.trans_b ? 0 : 1];
  setup.check(b[g.p.trans_b ? 1 : 0] == g.p.k, fmt("expected equal inner sizes, got {} and {}", a, b));
  expect_shape(setup, setup.output(), {g.p.m, g.p.n}, "the output");
  g.alpha = static_cast<float>(setup.attrs().number("alpha", 1.0));
  g.beta = static_cast<float>(setup.attrs().number("beta", 1.0));
  g.has_c = setup.has_input(2);
  if (g.has_c) g.c_strides = broadcast_strides(setup, setup.input(2).shape, {g.p.m, g.p.n});
  checked_product(setup, {g.p.panels(), g.p.panel_size()});
  if (setup.is_constant(1)) {
    g.packed = setup.packed(1, fmt("panels.{}", g.p.trans_b ? 1 : 0), [&] { return pack_panels(g.p, setup.constant(1)); });
  }
  g.panel_bytes = g.packed.defined() ? 0 : checked_product(setup, {setup.threads, g.p.panel_size(), int64_t{sizeof(float)}});
  const int64_t left = g.p.trans_a ? checked_product(setup, {g.p.m, g.p.k, int64_t{sizeof(float)}}) : 0;
  return {[g](const KernelCall& call) { run_gemm(g, call); }, g.panel_bytes + left, repacked_right(g.packed)};
}

struct MatMulPlan {
  Product p;
  Shape batch, a_strides, b_strides;   // leading dims; strides in matrices
  int64_t products = 1;
  Tensor packed;                       // b's panels when it is one constant matrix
};

void run_matmul(const MatMulPlan& g, const KernelCall& call) {
  const int64_t items = row_blocks(g.p) * g.p.panels();
  call.pool.parallel(g.products * items, 1, [&](int64_t begin, int64_t end, int thread) {
    float* panel = reinterpret_cast<float*>(call.workspace) + thread * g.p.panel_size();
    const float* packed = g.packed.defined() ? g.packed.data<float>() : nullptr;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t product = i / items;
      // The dim of extent 1 behind the leading ones is the "row" that row_offset leaves out.
      const float* a = call.in<float>(0) + row_offset(product, g.batch, g.a_strides) * g.p.m * g.p.k;
      const float* b = call.in<float>(1) + row_offset(product, g.batch, g.b_strides) * g.p.k * g.p.n;
      multiply(g.p, a, b, packed, panel, call.out<float>() + product * g.p.m * g.p.n, i % items);
    }
  });
}

BoundKernel bind_matmul(const KernelSetup& setup) {
  expect_dtype(setup, DType::kF32, 0, 1);
  Shape a = setup.input(0).shape, b = setup.input(1).shape;
  setup.check(!a.empty() && !b.empty() && a.size() <= kMaxRank && b.size() <= kMaxRank,
              fmt("expected ranks from 1 to {}, got {} and {}", kMaxRank, a, b));
  if (a.size() == 1) a.insert(a.begin(), 1);
  if (b.size() == 1) b.push_back(1);
  MatMulPlan g;
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
  checked_product(setup, {g.p.panels(), g.p.panel_size()});
  if (setup.is_constant(1) && lead_b.empty()) {
    g.packed = setup.packed(1, "panels.0", [&] { return pack_panels(g.p, setup.constant(1)); });
  }
  const int64_t gathered = checked_product(setup, {setup.threads, g.p.panel_size(), int64_t{sizeof(float)}});
  return {[g](const KernelCall& call) { run_matmul(g, call); }, g.packed.defined() ? 0 : gathered, repacked_right(g.packed)};
}

}  // namespace

void add_gemm_kernels(KernelTable& table) {
  table.add({"Gemm", "ref.gemm", Isa::kScalar, bind_gemm});
  table.add({"MatMul", "ref.matmul", Isa::kScalar, bind_matmul});
}

}  // namespace pare
