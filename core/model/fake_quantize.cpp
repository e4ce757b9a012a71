#include "core/model/fake_quantize.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/round.h>
#include <torch/csrc/autograd/custom_function.h>

namespace pare {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kGrain = 1 << 14;  // elements a thread takes at least

// Added and taken away again it rounds |v| < 2^22 half to even, in instructions that every x86 vectorizes.
constexpr float kRounder = 12582912.0f;

bool plain_floats(const at::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && x.is_non_overlapping_and_dense();
}

// Integers [low, high] without the zero point. The same bits as the general form, in one pass over memory.
void one_cell(const float* x, float* out, bool* inside, int64_t count, float scale, float low, float high) {
  for (int64_t i = 0; i < count; ++i) {
    float v = x[i] / scale;
    v = v < low - 1 ? low - 1 : v;   // in this order NaN stays NaN
    v = v > high + 1 ? high + 1 : v;
    v = (v + kRounder) - kRounder;
    inside[i] = v >= low && v <= high;
    v = v < low ? low : v;
    v = v > high ? high : v;
    out[i] = v * scale;
  }
}

std::pair<at::Tensor, at::Tensor> quantize_one_cell(const at::Tensor& x, float scale, float low, float high) {
  at::Tensor out = at::empty_like(x), inside = at::empty_like(x, x.options().dtype(at::kBool));
  const auto* from = x.const_data_ptr<float>();
  auto* to = out.mutable_data_ptr<float>();
  auto* mask = inside.mutable_data_ptr<bool>();
  at::parallel_for(0, x.numel(), kGrain, [&](int64_t begin, int64_t end) {
    one_cell(from + begin, to + begin, mask + begin, end - begin, scale, low, high);
  });
  return {out, inside};
}

std::pair<at::Tensor, at::Tensor> quantize_cells(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& zero_point,
                                                 double low, double high) {
  const at::Tensor zero = zero_point.to(x.scalar_type());
  const at::Tensor q = at::round(x / scale).add_(zero);
  return {q.clamp(low, high).sub_(zero).mul_(scale), (q >= low).logical_and_(q <= high)};
}

class FakeQuantize : public torch::autograd::Function<FakeQuantize> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& scale,
                            const at::Tensor& zero_point, double low, double high) {
    // 2^21 leaves the rounder a bit to spare.
    const bool fast = plain_floats(x) && scale.numel() == 1 && zero_point.numel() == 1 && high - low < (1 << 21);
    const double zero = fast ? zero_point.item<double>() : 0.0;
    auto [out, inside] = fast ? quantize_one_cell(x, scale.item<float>(), static_cast<float>(low - zero),
                                                  static_cast<float>(high - zero))
                              : quantize_cells(x, scale, zero_point, low, high);
    context->save_for_backward({inside});
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const at::Tensor inside = context->get_saved_variables()[0], &grad = grads[0];
    if (!plain_floats(grad) || grad.strides() != inside.strides()) return {grad * inside, {}, {}, {}, {}};
    at::Tensor out = at::empty_like(grad);
    const auto* from = grad.const_data_ptr<float>();
    const auto* mask = inside.const_data_ptr<bool>();
    auto* to = out.mutable_data_ptr<float>();
    at::parallel_for(0, grad.numel(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) to[i] = mask[i] ? from[i] : 0.0f;
    });
    return {out, {}, {}, {}, {}};
  }
};

}  // namespace

at::Tensor fake_quantize(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& zero_point, QRange range) {
  return FakeQuantize::apply(x, scale, zero_point, static_cast<double>(range.low), static_cast<double>(range.high));
}

}  // namespace pare
