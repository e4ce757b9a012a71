#pragma once
// The evaluations of all operators, by family as in core/graph/ops (attributes are documented there).

#include "core/model/model.h"

namespace pare {

void add_conv_torch_ops(TorchOps& ops);
void add_pool_torch_ops(TorchOps& ops);
void add_norm_torch_ops(TorchOps& ops);
void add_activation_torch_ops(TorchOps& ops);
void add_elementwise_torch_ops(TorchOps& ops);
void add_shape_torch_ops(TorchOps& ops);
void add_movement_torch_ops(TorchOps& ops);
void add_reduce_torch_ops(TorchOps& ops);
void add_resize_torch_ops(TorchOps& ops);
void add_quant_torch_ops(TorchOps& ops);

/// An evaluation with one output from a function of the context.
template <class F>
TorchOp one(F f) {
  return [f](const TorchContext& context) { return std::vector<at::Tensor>{f(context)}; };
}

/// An evaluation of one input.
template <class F>
TorchOp unary(F f) {
  return [f](const TorchContext& context) { return std::vector<at::Tensor>{f(context.inputs[0])}; };
}

/// Input `i`, undefined when absent.
inline at::Tensor input(const TorchContext& context, size_t i) {
  return i < context.inputs.size() ? context.inputs[i] : at::Tensor();
}

/// `axis` in [-rank, rank) from the front.
inline int64_t from_front(int64_t axis, int64_t rank) { return axis < 0 ? axis + rank : axis; }

/// Attributes of a sliding window over `dims` spatial dims.
struct TorchWindow {
  std::vector<int64_t> kernel, strides, dilations, begins, ends;
  bool round_up = false;
  bool symmetric() const { return begins == ends; }
  size_t dims() const { return strides.size(); }
  /// Output extent along spatial dim i, as the operator's shape rule says.
  int64_t extent(size_t i, int64_t input) const;
  /// `x` padded by value as begins and ends say, and behind that as far as the last window reaches.
  at::Tensor padded(const at::Tensor& x, double value) const;
};
TorchWindow read_torch_window(const Attrs& attrs, std::vector<int64_t> kernel);

}  // namespace pare
