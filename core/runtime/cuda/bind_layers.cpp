// Pools, normalizations and softmax, float32 (max pools of bytes, too).
#include "core/runtime/cuda/bind.h"
#include "core/runtime/cuda/windows.h"
#include "core/runtime/kernels/ref/helpers.h"

namespace pare::cuda_binding {
namespace {

using cuda::KernelId;
using cuda::RowFunction;

bool fits_pool(const KernelSetup& setup) { return fits_device(ref::pool_geometry(setup)); }

BoundKernel bind_max_pool(const Device& device, const KernelSetup& setup) {
  const cuda::PoolParams p{window_of(ref::pool_geometry(setup)), element_of(setup.input(0).dtype), 0};
  return launched(device, KernelId::kMaxPool, p, 1);
}

bool accepts_max_pool(const KernelSetup& setup) {
  const DType dtype = setup.input(0).dtype;
  return (dtype == DType::kF32 || is_byte(dtype)) && setup.output().dtype == dtype && setup.outputs.size() == 1 && fits_pool(setup);
}

BoundKernel bind_average_pool(const Device& device, const KernelSetup& setup) {
  const cuda::PoolParams p{window_of(ref::pool_geometry(setup)), cuda::Element::kF32,
                           setup.attrs().integer("count_include_pad", 0) != 0};
  return launched(device, KernelId::kAveragePool, p, 1);
}

BoundKernel bind_global_average_pool(const Device& device, const KernelSetup& setup) {
  const Shape& in = setup.input(0).shape;
  setup.check(in.size() >= 3, fmt("expected an input [N, C, ...], got {}", in));
  cuda::PlaneMeanParams p{};
  p.element = cuda::Element::kF32;
  p.planes = ref::product(in, 0, 2), p.size = ref::product(in, 2, static_cast<int64_t>(in.size()));
  setup.check(p.size > 0, fmt("expected a spatial extent, got {}", in));
  setup.check(setup.output().numel == p.planes, fmt("expected {} outputs, got {}", p.planes, setup.output().numel));
  return launched(device, KernelId::kPlaneMean, p, 1);
}

double epsilon_of(const KernelSetup& setup) {
  // The attribute is a float32 in the operators' definition.
  return static_cast<float>(setup.attrs().number("epsilon", 1e-5));
}

// Factor and shift of each channel are made once, as the reference makes them.
BoundKernel bind_batch_norm(const Device& device, const KernelSetup& setup) {
  const Shape& x = setup.input(0).shape;
  ref::expect_shape(setup, setup.output(), x, "the output");
  for (size_t i = 1; i < 5; ++i) ref::expect_shape(setup, setup.input(i), {x[1]}, "a per-channel operand");
  std::vector<float> scale, shift;
  const Tensor gamma = setup.constant(1), beta = setup.constant(2), mean = setup.constant(3), variance = setup.constant(4);
  for (int64_t c = 0; c < x[1]; ++c) {
    const double factor = gamma.data<float>()[c] / std::sqrt(variance.data<float>()[c] + epsilon_of(setup));
    scale.push_back(static_cast<float>(factor));
    shift.push_back(static_cast<float>(beta.data<float>()[c] - mean.data<float>()[c] * factor));
  }
  const cuda::ChannelScaleParams p{setup.output().numel, std::max<int64_t>(x[1], 1),
                                   std::max<int64_t>(ref::product(x, 2, static_cast<int64_t>(x.size())), 1)};
  return launched(device, KernelId::kChannelScale, p, 1,
                  {device->copy(Tensor::of(scale, {x[1]})), device->copy(Tensor::of(shift, {x[1]}))}, {1, 2, 3, 4});
}

bool accepts_batch_norm(const KernelSetup& setup) {
  if (setup.inputs.size() != 5 || !all_floats(setup) || setup.input(0).rank() < 2) return false;
  for (size_t i = 1; i < 5; ++i) {
    if (!setup.is_constant(i)) return false;
  }
  return true;
}

BoundKernel bind_softmax(const Device& device, const KernelSetup& setup, RowFunction function) {
  const Shape& x = setup.input(0).shape;
  ref::expect_shape(setup, setup.output(), x, "the output");
  const ref::AxisSplit s = ref::split_at(x, ref::front_axis(setup, setup.attrs().integer("axis", -1), setup.input(0).rank()));
  const cuda::RowParams p{function, s.outer * s.inner, s.extent, std::max<int64_t>(s.inner, 1), 0.0};
  return {[device, p](const KernelCall& call) {
    void* const buffers[] = {const_cast<std::byte*>(call.inputs[0]), nullptr, nullptr, call.outputs[0]};
    device->launch({KernelId::kRows, &p, sizeof p, buffers, std::size(buffers)});
  }};
}

BoundKernel bind_norm(const Device& device, const KernelSetup& setup, RowFunction function) {
  const Shape& x = setup.input(0).shape;
  const auto rank = static_cast<int64_t>(x.size());
  const int64_t axis = ref::front_axis(setup, setup.attrs().integer("axis", -1), rank);
  const cuda::RowParams p{function, ref::product(x, 0, axis), ref::product(x, axis, rank), 1, epsilon_of(setup)};
  ref::expect_shape(setup, setup.output(), x, "the output");
  setup.check(setup.input(1).numel == p.extent && (!setup.has_input(2) || setup.input(2).numel == p.extent),
              fmt("expected {} elements of scale and bias", p.extent));
  return launched(device, KernelId::kRows, p, 3);
}

}  // namespace

void add_layers(KernelTable& table, const Device& device) {
  const auto row = [&](const char* op, const char* name, BoundKernel (*bind)(const Device&, const KernelSetup&), auto accepts) {
    add(table, op, name, [device, bind](const KernelSetup& setup) { return bind(device, setup); }, accepts);
  };
  row("MaxPool", "cuda.max_pool", bind_max_pool, accepts_max_pool);
  row("AveragePool", "cuda.average_pool", bind_average_pool,
      [](const KernelSetup& setup) { return all_floats(setup) && fits_pool(setup); });
  row("GlobalAveragePool", "cuda.global_average_pool", bind_global_average_pool, all_floats);
  row("BatchNormalization", "cuda.batch_norm", bind_batch_norm, accepts_batch_norm);
  const auto rows = [&](const char* op, const char* name, auto bind, RowFunction function) {
    add(table, op, name, [device, bind, function](const KernelSetup& setup) { return bind(device, setup, function); },
        [](const KernelSetup& setup) { return all_floats(setup) && setup.outputs.size() == 1; });
  };
  rows("Softmax", "cuda.softmax", bind_softmax, RowFunction::kSoftmax);
  rows("LogSoftmax", "cuda.log_softmax", bind_softmax, RowFunction::kLogSoftmax);
  rows("LayerNormalization", "cuda.layer_norm", bind_norm, RowFunction::kLayerNorm);
  rows("RMSNormalization", "cuda.rms_norm", bind_norm, RowFunction::kRmsNorm);
}

}  // namespace pare::cuda_binding
