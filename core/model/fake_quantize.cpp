#include "core/model/fake_quantize.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/round.h>
#include <torch/csrc/autograd/custom_function.h>

namespace pare {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class FakeQuantize : public torch::autograd::Function<FakeQuantize> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& scale,
                            const at::Tensor& zero_point, double low, double high) {
    const at::Tensor zero = zero_point.to(x.scalar_type());
    const at::Tensor q = at::round(x / scale).add_(zero);
    context->save_for_backward({(q >= low).logical_and_(q <= high)});
    return q.clamp(low, high).sub_(zero).mul_(scale);
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    return {grads[0] * context->get_saved_variables()[0], {}, {}, {}, {}};
  }
};

}  // namespace

at::Tensor fake_quantize(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& zero_point, QRange range) {
  return FakeQuantize::apply(x, scale, zero_point, static_cast<double>(range.low), static_cast<double>(range.high));
}

}  // namespace pare
