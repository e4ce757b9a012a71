// Gemm and MatMul, float32: rows of the left operand, read in place, times panels of the right one. A constant right
// operand is stored as panels once; another one is gathered at each run.
#include <algorithm>
#include <limits>

#include "core/runtime/kernels/ref/gemm_geometry.h"
#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/x86/x86.h"

namespace pare::x86 {
namespace {

using ref::Product;

// Rows that share a panel: their part of one depth block stays in the second-level cache.
constexpr int64_t kRowBlock = 96;

struct Panels {
  Product p;
  const FloatKernels* kernels = nullptr;
  Tensor packed;  // undefined: gathered at run time

  int64_t count() const { return (p.n + kernels->columns - 1) / kernels->columns; }
  int64_t size() const { return p.k * kernels->columns; }
  int64_t items() const { return count() * ((p.m + kRowBlock - 1) / kRowBlock); }
};

// Columns [first, first + columns) of b as a panel, zeros behind the last one.
void gather_panel(const Panels& g, const float* b, int64_t first, float* panel) {
  const int64_t columns = g.kernels->columns, count = std::min(columns, g.p.n - first);
  const int64_t row_step = g.p.trans_b ? 1 : g.p.n, column_step = g.p.trans_b ? g.p.k : 1;
  for (int64_t k = 0; k < g.p.k; ++k, panel += columns) {
    for (int64_t c = 0; c < count; ++c) panel[c] = b[k * row_step + (first + c) * column_step];
    std::fill(panel + count, panel + columns, 0.0f);
  }
}

void pack_right(const KernelSetup& setup, Panels& g) {
  g.packed = setup.packed(1, fmt("columns{}.{}", g.kernels->columns, g.p.trans_b ? 1 : 0), [&] {
    Tensor out(DType::kF32, {g.count(), g.size()});
    const Tensor dense = setup.constant(1);
    for (int64_t i = 0; i < g.count(); ++i) {
      gather_panel(g, dense.data<float>(), i * g.kernels->columns, out.mutable_data<float>() + i * g.size());
    }
    return out;
  });
}

// A block of rows of one panel; `start` holds one value a column, or is null.
void multiply_item(const Panels& g, const float* a, const float* b, float* gathered, const float* start, float* out,
                   int64_t item) {
  const int64_t column = item % g.count() * g.kernels->columns, first = item / g.count() * kRowBlock;
  const float* panel = gathered;
  if (g.packed.defined())
    panel = g.packed.data<float>() + item % g.count() * g.size();
  else
    gather_panel(g, b, column, gathered);
  const int64_t block = depth_block(g.p.k), last = std::min(first + kRowBlock, g.p.m);
  FloatTile tile;
  tile.left_row = g.p.k;
  tile.out_row = g.p.n;
  tile.column_start = start ? start + column : nullptr;
  const int columns = static_cast<int>(std::min<int64_t>(g.kernels->columns, g.p.n - column));
  for (int64_t k = 0; k < g.p.k; k += block) {
    tile.depth = std::min(block, g.p.k - k);
    tile.resume = k > 0;
    tile.panel = panel + k * g.kernels->columns;
    for (int64_t row = first; row < last; row += g.kernels->rows) {
      tile.left = a + row * g.p.k + k;
      tile.out = out + row * g.p.n + column;
      g.kernels->multiply(tile, static_cast<int>(std::min<int64_t>(g.kernels->rows, last - row)), columns);
    }
  }
}

int64_t gathered_bytes(const KernelSetup& setup, const Panels& g) {
  ref::checked_product(setup, {g.count(), g.size()});
  return g.packed.defined() ? 0 : ref::checked_product(setup, {setup.threads, g.size(), int64_t{sizeof(float)}});
}

std::vector<size_t> repacked(const Panels& g) {
  return g.packed.defined() ? std::vector<size_t>{1} : std::vector<size_t>{};
}

BoundKernel bind_gemm(const KernelSetup& setup, const FloatKernels& kernels) {
  const ref::GemmGeometry geometry = ref::gemm_geometry(setup);
  Panels g{geometry.p, &kernels, {}};
  if (setup.is_constant(1)) pack_right(setup, g);
  const bool has_c = geometry.has_c;
  return {[g, has_c](const KernelCall& call) {
            const float* start = has_c ? call.in<float>(2) : nullptr;
            call.pool.parallel(g.items(), 1, [&](int64_t begin, int64_t end, int thread) {
              float* panel = reinterpret_cast<float*>(call.workspace) + thread * g.size();
              for (int64_t i = begin; i < end; ++i) {
                multiply_item(g, call.in<float>(0), call.in<float>(1), panel, start, call.out<float>(), i);
              }
            });
          },
          gathered_bytes(setup, g), repacked(g)};
}

BoundKernel bind_matmul(const KernelSetup& setup, const FloatKernels& kernels) {
  const ref::MatMulGeometry m = ref::matmul_geometry(setup);
  Panels g{m.p, &kernels, {}};
  if (m.one_right) pack_right(setup, g);
  return {[g, m](const KernelCall& call) {
            call.pool.parallel(m.products * g.items(), 1, [&](int64_t begin, int64_t end, int thread) {
              float* panel = reinterpret_cast<float*>(call.workspace) + thread * g.size();
              for (int64_t i = begin; i < end; ++i) {
                const int64_t product = i / g.items();
                const float* a = call.in<float>(0) + ref::row_offset(product, m.batch, m.a_strides) * g.p.m * g.p.k;
                const float* b = call.in<float>(1) + ref::row_offset(product, m.batch, m.b_strides) * g.p.k * g.p.n;
                multiply_item(g, a, b, panel, nullptr, call.out<float>() + product * g.p.m * g.p.n, i % g.items());
              }
            });
          },
          gathered_bytes(setup, g), repacked(g)};
}

// Plain products, with at most one value a column added; the others stay with the reference.
bool accepts_gemm(const KernelSetup& setup) {
  if (!are_floats(setup)) return false;
  const ref::GemmGeometry g = ref::gemm_geometry(setup);
  const bool by_column =
      !g.has_c || (g.beta == 1.0f && setup.input(2).numel == g.p.n && (g.p.n == 1 || g.c_strides[1] == 1));
  return g.p.k > 0 && !g.p.trans_a && g.alpha == 1.0f && by_column;
}

bool accepts_matmul(const KernelSetup& setup) {
  return are_floats(setup) && ref::matmul_geometry(setup).p.k > 0;
}

}  // namespace

void add_gemm_kernels(KernelTable& table, const Level& level) {
  const FloatKernels* kernels = &level.floats;
  table.add({"Gemm", level.name("gemm"), level.isa, [kernels](const KernelSetup& s) { return bind_gemm(s, *kernels); },
             accepts_gemm});
  table.add({"MatMul", level.name("matmul"), level.isa,
             [kernels](const KernelSetup& s) { return bind_matmul(s, *kernels); }, accepts_matmul});
}

}  // namespace pare::x86
