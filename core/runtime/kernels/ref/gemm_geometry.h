#pragma once

#include "core/runtime/kernel.h"

namespace pare::ref {

/// out [m, n] = a [m, k] * b [k, n], both possibly stored transposed.
struct Product {
  int64_t m = 0, k = 0, n = 0;
  bool trans_a = false, trans_b = false;
};

/// Gemm: alpha * product + beta * C, with C [broadcast to m, n] read under c_strides.
struct GemmGeometry {
  Product p;
  float alpha = 1.0f, beta = 1.0f;
  bool has_c = false;
  Shape c_strides;
};
/// Checked; fails with ModelError when attributes and shapes disagree. Operands are F32.
GemmGeometry gemm_geometry(const KernelSetup& setup);

/// MatMul: one product for each index of the leading dims.
struct MatMulGeometry {
  Product p;
  Shape batch, a_strides, b_strides;   ///< leading dims and 1 behind them; strides in matrices
  int64_t products = 1;
  bool one_right = false;              ///< the right operand is one constant matrix
};
MatMulGeometry matmul_geometry(const KernelSetup& setup);

}  // namespace pare::ref
