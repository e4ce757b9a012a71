#include "core/graph/ops/rules.h"

namespace pare {

OpTable builtin_ops() {
  OpTable ops;
  add_activation_ops(ops);
  add_conv_ops(ops);
  add_elementwise_ops(ops);
  add_matmul_ops(ops);
  add_movement_ops(ops);
  add_norm_ops(ops);
  add_pool_ops(ops);
  add_quant_ops(ops);
  add_reduce_ops(ops);
  add_resize_ops(ops);
  add_shape_ops(ops);
  add_slice_ops(ops);
  return ops;
}

}  // namespace pare
