#pragma once
// The reference kernels: plain C++, one family a file, readable before fast. They are the oracle for every other kernel.

#include "core/runtime/kernel.h"

namespace pare {

void add_activation_kernels(KernelTable& table);
void add_binary_kernels(KernelTable& table);
void add_conv_kernels(KernelTable& table);
void add_gemm_kernels(KernelTable& table);
void add_integer_kernels(KernelTable& table);
void add_integer_product_kernels(KernelTable& table);
void add_movement_kernels(KernelTable& table);
void add_index_kernels(KernelTable& table);
void add_norm_kernels(KernelTable& table);
void add_pool_kernels(KernelTable& table);
void add_quant_kernels(KernelTable& table);
void add_reduce_kernels(KernelTable& table);
void add_resize_kernels(KernelTable& table);
void add_shape_kernels(KernelTable& table);
void add_softmax_kernels(KernelTable& table);

/// All of the above.
void add_reference_kernels(KernelTable& table);

}  // namespace pare
