#include "core/runtime/kernels/ref/ref.h"

namespace pare {

void add_reference_kernels(KernelTable& table) {
  add_activation_kernels(table);
  add_binary_kernels(table);
  add_conv_kernels(table);
  add_gemm_kernels(table);
  add_integer_kernels(table);
  add_integer_product_kernels(table);
  add_movement_kernels(table);
  add_index_kernels(table);
  add_norm_kernels(table);
  add_pool_kernels(table);
  add_quant_kernels(table);
  add_reduce_kernels(table);
  add_resize_kernels(table);
  add_shape_kernels(table);
  add_softmax_kernels(table);
}

}  // namespace pare
