#pragma once

#include <cstdint>

namespace pare::ref {

/// Columns of a panel: a block of the right operand, stored [depth][kPanelColumns] with zeros behind the last column.
inline constexpr int64_t kPanelColumns = 32;

/// out[r][c] = start[r] + sum over k of a[r][k] * panel[k][c], added in the order of k, for c < columns.
/// `a`: [rows][depth] with rows `a_stride` apart; `out` rows `out_stride` apart; `start` null: zeros.
void multiply_panel(const float* a, int64_t a_stride, int64_t rows, const float* panel, int64_t depth, const float* start,
                    float* out, int64_t out_stride, int64_t columns);

}  // namespace pare::ref
