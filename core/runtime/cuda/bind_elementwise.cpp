// Functions of one and two float32 operands, and floats to bytes and back.
#include <limits>

#include "core/runtime/cuda/bind.h"
#include "core/runtime/kernels/ref/helpers.h"

namespace pare::cuda_binding {
namespace {

using cuda::BinaryFunction;
using cuda::KernelId;
using cuda::UnaryFunction;

struct Unary {
  const char *op, *name;
  UnaryFunction function;
  double alpha = 0.0, beta = 0.0;   // defaults of the attributes of these names
};

constexpr Unary kUnary[] = {
    {"Relu", "cuda.relu", UnaryFunction::kRelu},
    {"Neg", "cuda.neg", UnaryFunction::kNeg},
    {"Abs", "cuda.abs", UnaryFunction::kAbs},
    {"Sigmoid", "cuda.sigmoid", UnaryFunction::kSigmoid},
    {"Tanh", "cuda.tanh", UnaryFunction::kTanh},
    {"pare.Silu", "cuda.silu", UnaryFunction::kSilu},
    {"HardSigmoid", "cuda.hard_sigmoid", UnaryFunction::kHardSigmoid, 0.2, 0.5},
    {"HardSwish", "cuda.hard_swish", UnaryFunction::kHardSwish},
    {"Softplus", "cuda.softplus", UnaryFunction::kSoftplus},
    {"LeakyRelu", "cuda.leaky_relu", UnaryFunction::kLeakyRelu, 0.01},
    {"Elu", "cuda.elu", UnaryFunction::kElu, 1.0},
    {"Erf", "cuda.erf", UnaryFunction::kErf},
    {"Exp", "cuda.exp", UnaryFunction::kExp},
    {"Log", "cuda.log", UnaryFunction::kLog},
    {"Sqrt", "cuda.sqrt", UnaryFunction::kSqrt},
    {"Floor", "cuda.floor", UnaryFunction::kFloor},
    {"Ceil", "cuda.ceil", UnaryFunction::kCeil},
    {"Round", "cuda.round", UnaryFunction::kRound},
    {"Reciprocal", "cuda.reciprocal", UnaryFunction::kReciprocal},
};

BoundKernel bind_unary(const Device& device, const KernelSetup& setup, UnaryFunction function, double alpha, double beta) {
  ref::expect_shape(setup, setup.output(), setup.input(0).shape, "the output");
  const cuda::UnaryParams p{function, static_cast<float>(alpha), static_cast<float>(beta), setup.output().numel};
  return launched(device, KernelId::kUnary, p, 1);
}

void add_unary(KernelTable& table, const Device& device) {
  for (const Unary& u : kUnary) {
    add(table, u.op, u.name,
        [device, u](const KernelSetup& setup) {
          return bind_unary(device, setup, u.function, setup.attrs().number("alpha", u.alpha), setup.attrs().number("beta", u.beta));
        },
        all_floats);
  }
  add(table, "Gelu", "cuda.gelu",
      [device](const KernelSetup& setup) {
        const bool by_tanh = setup.attrs().text("approximate", "none") == "tanh";
        return bind_unary(device, setup, by_tanh ? UnaryFunction::kGeluTanh : UnaryFunction::kGelu, 0.0, 0.0);
      },
      all_floats);
  add(table, "Clip", "cuda.clip",
      [device](const KernelSetup& setup) {
        const double infinity = std::numeric_limits<double>::infinity();
        return bind_unary(device, setup, UnaryFunction::kClip, setup.attrs().number("min", -infinity),
                          setup.attrs().number("max", infinity));
      },
      all_floats);
}

BoundKernel bind_binary(const Device& device, const KernelSetup& setup, BinaryFunction function) {
  const ref::Broadcast b = ref::broadcast_inputs(setup);
  cuda::BinaryParams p{function, setup.output().numel, {}};
  p.walk.rank = static_cast<int32_t>(b.shape.size());
  for (size_t d = 0; d < b.shape.size(); ++d) {
    p.walk.shape[d] = b.shape[d];
    for (size_t i = 0; i < 2; ++i) p.walk.strides[i][d] = b.strides[i][d];
  }
  return launched(device, KernelId::kBinary, p, 2);
}

void add_binary(KernelTable& table, const Device& device) {
  struct Row {
    const char *op, *name;
    BinaryFunction function;
  };
  constexpr Row kRows[] = {{"Add", "cuda.add", BinaryFunction::kAdd},       {"Sub", "cuda.sub", BinaryFunction::kSub},
                           {"Mul", "cuda.mul", BinaryFunction::kMul},       {"Div", "cuda.div", BinaryFunction::kDiv},
                           {"Pow", "cuda.pow", BinaryFunction::kPow},       {"Min", "cuda.min", BinaryFunction::kMin},
                           {"Max", "cuda.max", BinaryFunction::kMax},       {"PRelu", "cuda.prelu", BinaryFunction::kPRelu}};
  for (const Row& row : kRows) {
    add(table, row.op, row.name, [device, row](const KernelSetup& setup) { return bind_binary(device, setup, row.function); },
        [](const KernelSetup& setup) { return setup.inputs.size() == 2 && all_floats(setup); });
  }
}

BoundKernel bind_cells(const Device& device, const KernelSetup& setup, KernelId id, DType integer) {
  const TensorSpec &x = setup.input(0), &scale = setup.input(1);
  cuda::QuantizeParams p{element_of(integer), setup.has_input(2), x.numel, 1, std::max<int64_t>(x.numel, 1)};
  if (scale.numel != 1) {
    const ref::AxisSplit s = ref::split_at(x.shape, ref::front_axis(setup, setup.attrs().integer("axis", 1), x.rank()));
    setup.check(scale.rank() == 1 && scale.numel == s.extent, fmt("expected {} scales, got shape {}", s.extent, scale.shape));
    p.cells = std::max<int64_t>(s.extent, 1);
    p.inner = std::max<int64_t>(s.inner, 1);
  }
  if (p.has_zero_point) setup.check(setup.input(2).numel == scale.numel, "expected as many zero points as scales");
  ref::expect_shape(setup, setup.output(), x.shape, "the output");
  return launched(device, id, p, 3);
}

bool has_params_of(const KernelSetup& setup, DType integer) {
  return setup.input(1).dtype == DType::kF32 && (!setup.has_input(2) || setup.input(2).dtype == integer);
}

void add_quantize(KernelTable& table, const Device& device) {
  add(table, "QuantizeLinear", "cuda.quantize",
      [device](const KernelSetup& setup) { return bind_cells(device, setup, KernelId::kQuantize, setup.output().dtype); },
      [](const KernelSetup& setup) {
        return setup.input(0).dtype == DType::kF32 && is_byte(setup.output().dtype) && has_params_of(setup, setup.output().dtype);
      });
  add(table, "DequantizeLinear", "cuda.dequantize",
      [device](const KernelSetup& setup) { return bind_cells(device, setup, KernelId::kDequantize, setup.input(0).dtype); },
      [](const KernelSetup& setup) {
        const DType integer = setup.input(0).dtype;
        return (is_byte(integer) || integer == DType::kI32) && setup.output().dtype == DType::kF32 && has_params_of(setup, integer);
      });
}

}  // namespace

void add_elementwise(KernelTable& table, const Device& device) {
  add_unary(table, device);
  add_binary(table, device);
  add_quantize(table, device);
}

}  // namespace pare::cuda_binding
