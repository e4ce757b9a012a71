// Gemm and MatMul, float32: rows of the left operand times panels of the right one. A constant right operand is stored as
// panels once; another one is gathered at each run.
#include <algorithm>
#include <cstring>

#include "core/runtime/kernels/ref/gemm_geometry.h"
#include "core/runtime/kernels/ref/gemm_panel.h"
#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/ref/ref.h"

namespace pare {
namespace {

using namespace ref;

int64_t panels_of(const Product& p) { return (p.n + kPanelColumns - 1) / kPanelColumns; }
int64_t panel_size(const Product& p) { return p.k * kPanelColumns; }

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
  Tensor out(DType::kF32, {panels_of(p), p.k, kPanelColumns});
  float* panels = out.mutable_data<float>();
  for (int64_t i = 0; i < panels_of(p); ++i) gather_panel(p, b.data<float>(), i * kPanelColumns, panels + i * panel_size(p));
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
  const int64_t column = i % panels_of(p) * kPanelColumns, row = i / panels_of(p) * kRowBlock;
  if (!packed) gather_panel(p, b, column, panel);
  multiply_panel(a + row * p.k, p.k, std::min(kRowBlock, p.m - row), packed ? packed + column * p.k : panel, p.k, nullptr,
                 out + row * p.n + column, p.n, std::min(kPanelColumns, p.n - column));
}

int64_t row_blocks(const Product& p) { return (p.m + kRowBlock - 1) / kRowBlock; }

std::vector<size_t> repacked_right(const Tensor& packed) {
  return packed.defined() ? std::vector<size_t>{1} : std::vector<size_t>{};
}

struct GemmPlan : GemmGeometry {
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
  call.pool.parallel(row_blocks(g.p) * panels_of(g.p), 1, [&](int64_t begin, int64_t end, int thread) {
    float* panel = reinterpret_cast<float*>(call.workspace) + thread * panel_size(g.p);
    const float* packed = g.packed.defined() ? g.packed.data<float>() : nullptr;
    for (int64_t i = begin; i < end; ++i) multiply(g.p, a, call.in<float>(1), packed, panel, out, i);
  });
  if (!g.has_c && g.alpha == 1.0f) return;
  const float* c = g.has_c ? call.in<float>(2) : nullptr;
  call.pool.parallel(g.p.m, kElementGrain / (g.p.n + 1) + 1,
                     [&](int64_t begin, int64_t end, int) { add_c(g, c, out, begin, end); });
}

BoundKernel bind_gemm(const KernelSetup& setup) {
  GemmPlan g{gemm_geometry(setup), {}, 0};
  checked_product(setup, {panels_of(g.p), panel_size(g.p)});
  if (setup.is_constant(1)) {
    g.packed = setup.packed(1, fmt("panels.{}", g.p.trans_b ? 1 : 0), [&] { return pack_panels(g.p, setup.constant(1)); });
  }
  g.panel_bytes = g.packed.defined() ? 0 : checked_product(setup, {setup.threads, panel_size(g.p), int64_t{sizeof(float)}});
  const int64_t left = g.p.trans_a ? checked_product(setup, {g.p.m, g.p.k, int64_t{sizeof(float)}}) : 0;
  return {[g](const KernelCall& call) { run_gemm(g, call); }, g.panel_bytes + left, repacked_right(g.packed)};
}

struct MatMulPlan : MatMulGeometry {
  Tensor packed;
};

void run_matmul(const MatMulPlan& g, const KernelCall& call) {
  const int64_t items = row_blocks(g.p) * panels_of(g.p);
  call.pool.parallel(g.products * items, 1, [&](int64_t begin, int64_t end, int thread) {
    float* panel = reinterpret_cast<float*>(call.workspace) + thread * panel_size(g.p);
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
  MatMulPlan g{matmul_geometry(setup), {}};
  checked_product(setup, {panels_of(g.p), panel_size(g.p)});
  if (g.one_right) {
    g.packed = setup.packed(1, "panels.0", [&] { return pack_panels(g.p, setup.constant(1)); });
  }
  const int64_t gathered = checked_product(setup, {setup.threads, panel_size(g.p), int64_t{sizeof(float)}});
  return {[g](const KernelCall& call) { run_matmul(g, call); }, g.packed.defined() ? 0 : gathered, repacked_right(g.packed)};
}

}  // namespace

void add_gemm_kernels(KernelTable& table) {
  table.add({"Gemm", "ref.gemm", Isa::kScalar, bind_gemm});
  table.add({"MatMul", "ref.matmul", Isa::kScalar, bind_matmul});
}

}  // namespace pare
