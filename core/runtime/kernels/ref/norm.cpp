// Normalizations, float32; statistics are summed in double.
#include <cmath>

#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/ref/ref.h"

namespace pare {
namespace {

using namespace ref;

double epsilon_of(const KernelSetup& setup) {
  // The attribute is a float32 in the operators' definition.
  return static_cast<float>(setup.attrs().number("epsilon", 1e-5));
}

void check_channels(const KernelSetup& setup) {
  expect_dtype(setup, DType::kF32, 0, setup.inputs.size() - 1);
  const Shape& x = setup.input(0).shape;
  setup.check(x.size() >= 2, fmt("expected an input [N, C, ...], got {}", x));
  expect_shape(setup, setup.output(), x, "the output");
  for (size_t i = 1; i < setup.inputs.size(); ++i) expect_shape(setup, setup.input(i), {x[1]}, "a per-channel operand");
}

BoundKernel bind_batch_norm(const KernelSetup& setup) {
  setup.check(setup.inputs.size() == 5, fmt("expected 5 inputs, got {}", setup.inputs.size()));
  check_channels(setup);
  const Shape& x = setup.input(0).shape;
  const int64_t channels = x[1], planes = product(x, 0, 2), size = product(x, 2, static_cast<int64_t>(x.size()));
  const double epsilon = epsilon_of(setup);
  return {[=](const KernelCall& call) {
    call.pool.parallel(planes, kElementGrain / (size + 1) + 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t plane = begin; plane < end; ++plane) {
        const int64_t c = plane % channels;
        const double factor = call.in<float>(1)[c] / std::sqrt(call.in<float>(4)[c] + epsilon);
        const auto scale = static_cast<float>(factor);
        const auto shift = static_cast<float>(call.in<float>(2)[c] - call.in<float>(3)[c] * factor);
        const float* in = call.in<float>(0) + plane * size;
        float* out = call.out<float>() + plane * size;
        for (int64_t i = 0; i < size; ++i) out[i] = in[i] * scale + shift;
      }
    });
  }};
}

struct Moments {
  double mean = 0.0, inverse = 0.0;   // 1 / sqrt(variance + epsilon)
};

Moments moments_of(const float* x, int64_t count, double epsilon) {
  double sum = 0.0, square = 0.0;
  for (int64_t i = 0; i < count; ++i) sum += x[i];
  const double mean = sum / static_cast<double>(count);
  for (int64_t i = 0; i < count; ++i) square += (x[i] - mean) * (x[i] - mean);
  return {mean, 1.0 / std::sqrt(square / static_cast<double>(count) + epsilon)};
}

// Instance normalization is group normalization with one channel a group.
BoundKernel bind_groups(const KernelSetup& setup, int64_t groups) {
  setup.check(setup.inputs.size() == 3, fmt("expected 3 inputs, got {}", setup.inputs.size()));
  check_channels(setup);
  const Shape& x = setup.input(0).shape;
  setup.check(groups >= 1 && x[1] % groups == 0, fmt("expected groups that divide {} channels, got {}", x[1], groups));
  const int64_t width = x[1] / groups, size = product(x, 2, static_cast<int64_t>(x.size()));
  const int64_t items = checked_product(setup, {x[0], groups});
  const double epsilon = epsilon_of(setup);
  return {[=](const KernelCall& call) {
    call.pool.parallel(items, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t item = begin; item < end; ++item) {
        const int64_t start = item * width * size;
        const float* in = call.in<float>(0) + start;
        const Moments m = moments_of(in, width * size, epsilon);
        for (int64_t i = 0; i < width * size; ++i) {
          const int64_t channel = item % groups * width + i / size;
          const double scaled = (in[i] - m.mean) * m.inverse * call.in<float>(1)[channel] + call.in<float>(2)[channel];
          call.out<float>()[start + i] = static_cast<float>(scaled);
        }
      }
    });
  }};
}

BoundKernel bind_group_norm(const KernelSetup& setup) { return bind_groups(setup, setup.attrs().integer("num_groups")); }

BoundKernel bind_instance_norm(const KernelSetup& setup) {
  const Shape& x = setup.input(0).shape;
  setup.check(x.size() >= 2, fmt("expected an input [N, C, ...], got {}", x));
  return bind_groups(setup, std::max<int64_t>(x[1], 1));
}

// Rows of the dims from `axis` on. `centred`: layer normalization, else root mean square.
BoundKernel bind_rows(const KernelSetup& setup, bool centred) {
  expect_dtype(setup, DType::kF32, 0, setup.inputs.size() - 1);
  const Shape& x = setup.input(0).shape;
  const auto rank = static_cast<int64_t>(x.size());
  const int64_t axis = front_axis(setup, setup.attrs().integer("axis", -1), rank);
  const int64_t rows = product(x, 0, axis), width = product(x, axis, rank);
  expect_shape(setup, setup.output(), x, "the output");
  const bool biased = setup.has_input(2);
  setup.check(setup.input(1).numel == width && (!biased || setup.input(2).numel == width),
              fmt("expected {} elements of scale and bias", width));
  const double epsilon = epsilon_of(setup);
  return {[=](const KernelCall& call) {
    call.pool.parallel(rows, kElementGrain / (width + 1) + 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t row = begin; row < end; ++row) {
        const float* in = call.in<float>(0) + row * width;
        float* out = call.out<float>() + row * width;
        double square = 0.0;
        for (int64_t i = 0; i < width; ++i) square += static_cast<double>(in[i]) * in[i];
        const Moments m = centred ? moments_of(in, width, epsilon)
                                  : Moments{0.0, 1.0 / std::sqrt(square / static_cast<double>(width) + epsilon)};
        for (int64_t i = 0; i < width; ++i) {
          const double shift = biased ? call.in<float>(2)[i] : 0.0f;
          out[i] = static_cast<float>((in[i] - m.mean) * m.inverse * call.in<float>(1)[i] + shift);
        }
      }
    });
  }};
}

BoundKernel bind_layer_norm(const KernelSetup& setup) { return bind_rows(setup, true); }
BoundKernel bind_rms_norm(const KernelSetup& setup) { return bind_rows(setup, false); }

}  // namespace

void add_norm_kernels(KernelTable& table) {
  table.add({"BatchNormalization", "ref.batch_norm", Isa::kScalar, bind_batch_norm});
  table.add({"GroupNormalization", "ref.group_norm", Isa::kScalar, bind_group_norm});
  table.add({"InstanceNormalization", "ref.instance_norm", Isa::kScalar, bind_instance_norm});
  table.add({"LayerNormalization", "ref.layer_norm", Isa::kScalar, bind_layer_norm});
  table.add({"RMSNormalization", "ref.rms_norm", Isa::kScalar, bind_rms_norm});
}

}  // namespace pare
