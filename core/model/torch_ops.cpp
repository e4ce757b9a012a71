#include "core/model/torch_ops.h"

namespace pare {

TorchOps builtin_torch_ops() {
  TorchOps ops;
  add_conv_torch_ops(ops);
  add_pool_torch_ops(ops);
  add_norm_torch_ops(ops);
  add_activation_torch_ops(ops);
  add_elementwise_torch_ops(ops);
  add_shape_torch_ops(ops);
  add_movement_torch_ops(ops);
  add_reduce_torch_ops(ops);
  add_resize_torch_ops(ops);
  add_quant_torch_ops(ops);
  return ops;
}

}  // namespace pare
