#include "core/runtime/kernels/ref/gemm_panel.h"

#include <algorithm>

namespace pare::ref {
namespace {

// 4 x 8 sums fit the 16 vector registers of baseline x86-64 beside the operands.
constexpr int kRows = 4;
constexpr int kColumns = 8;

template <int kHeight>
void multiply_tile(const float* a, int64_t a_stride, const float* panel, int64_t depth, const float* start, float* out,
                   int64_t out_stride, int64_t columns) {
  float sum[kHeight][kColumns];
  for (int r = 0; r < kHeight; ++r) {
    for (int c = 0; c < kColumns; ++c) sum[r][c] = start ? start[r] : 0.0f;
  }
  for (int64_t k = 0; k < depth; ++k) {
    const float* row = panel + k * kPanelColumns;
    for (int r = 0; r < kHeight; ++r) {
      const float factor = a[r * a_stride + k];
      for (int c = 0; c < kColumns; ++c) sum[r][c] += factor * row[c];
    }
  }
  for (int r = 0; r < kHeight; ++r) {
    for (int64_t c = 0; c < columns; ++c) out[r * out_stride + c] = sum[r][c];
  }
}

}  // namespace

void multiply_panel(const float* a, int64_t a_stride, int64_t rows, const float* panel, int64_t depth, const float* start,
                    float* out, int64_t out_stride, int64_t columns) {
  for (int64_t r = 0; r < rows;) {
    const bool full = rows - r >= kRows;
    for (int64_t c = 0; c < columns; c += kColumns) {
      const auto tile = full ? multiply_tile<kRows> : multiply_tile<1>;
      tile(a + r * a_stride, a_stride, panel + c, depth, start ? start + r : nullptr, out + r * out_stride + c, out_stride,
           std::min<int64_t>(kColumns, columns - c));
    }
    r += full ? kRows : 1;
  }
}

}  // namespace pare::ref
