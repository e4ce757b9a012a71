// Elementwise functions of one input.
#include <cmath>
#include <limits>

#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/ref/ref.h"

namespace pare {
namespace {

using namespace ref;

struct Params {
  float alpha = 0.0f, beta = 0.0f;
};

template <class T, class F>
void map_elements(const KernelCall& call, int64_t numel, F&& f) {
  call.pool.parallel(numel, kElementGrain, [&](int64_t begin, int64_t end, int) {
    const T* x = call.in<T>(0);
    T* y = call.out<T>();
    for (int64_t i = begin; i < end; ++i) y[i] = f(x[i]);
  });
}

// kAlpha and kBeta are the defaults, in thousandths.
template <float (*kFunction)(float, Params), int kAlpha = 0, int kBeta = 0>
BoundKernel bind_float(const KernelSetup& setup) {
  expect_dtype(setup, DType::kF32, 0, 0);
  expect_shape(setup, setup.output(), setup.input(0).shape, "the output");
  const Params params{static_cast<float>(setup.attrs().number("alpha", kAlpha * 1e-3)),
                      static_cast<float>(setup.attrs().number("beta", kBeta * 1e-3))};
  const int64_t numel = setup.input(0).numel;
  return {[=](const KernelCall& call) { map_elements<float>(call, numel, [&](float x) { return kFunction(x, params); }); }};
}

float sigmoid(float x, Params) { return 1.0f / (1.0f + std::exp(-x)); }
float tanh_(float x, Params) { return std::tanh(x); }
float silu(float x, Params) { return x / (1.0f + std::exp(-x)); }
float hard_sigmoid(float x, Params p) { return std::fmax(0.0f, std::fmin(1.0f, p.alpha * x + p.beta)); }
float hard_swish(float x, Params) { return x * std::fmax(0.0f, std::fmin(1.0f, x / 6.0f + 0.5f)); }
float softplus(float x, Params) { return std::fmax(x, 0.0f) + std::log1p(std::exp(-std::fabs(x))); }
float erf_(float x, Params) { return std::erf(x); }
float exp_(float x, Params) { return std::exp(x); }
float log_(float x, Params) { return std::log(x); }
float sqrt_(float x, Params) { return std::sqrt(x); }
float floor_(float x, Params) { return std::floor(x); }
float ceil_(float x, Params) { return std::ceil(x); }
float round_(float x, Params) { return std::nearbyint(x); }
float reciprocal(float x, Params) { return 1.0f / x; }
float leaky_relu(float x, Params p) { return x < 0.0f ? p.alpha * x : x; }
float elu(float x, Params p) { return x < 0.0f ? p.alpha * std::expm1(x) : x; }

constexpr float kSqrtHalf = 0.70710678118654752f, kSqrtTwoOverPi = 0.79788456080286536f;

float gelu(float x, Params) { return 0.5f * x * (1.0f + std::erf(x * kSqrtHalf)); }
float gelu_tanh(float x, Params) { return 0.5f * x * (1.0f + std::tanh(kSqrtTwoOverPi * (x + 0.044715f * x * x * x))); }

BoundKernel bind_gelu(const KernelSetup& setup) {
  return setup.attrs().text("approximate", "none") == "tanh" ? bind_float<gelu_tanh>(setup) : bind_float<gelu>(setup);
}

// f is a generic callable: these operators also take integers.
template <class F>
BoundKernel bind_any(const KernelSetup& setup, F f) {
  const DType dtype = setup.input(0).dtype;
  expect_dtype(setup, dtype, 0, 0);
  expect_shape(setup, setup.output(), setup.input(0).shape, "the output");
  const int64_t numel = setup.input(0).numel;
  return dispatch(setup, dtype, [&](auto zero) -> BoundKernel {
    using T = decltype(zero);
    return {[=](const KernelCall& call) { map_elements<T>(call, numel, f); }};
  });
}

BoundKernel bind_relu(const KernelSetup& setup) {
  return bind_any(setup, [](auto x) { return x < 0 ? decltype(x){0} : x; });
}

// Integers wrap: the most negative one has no positive counterpart.
template <class T>
T negated(T x) {
  if constexpr (std::is_integral_v<T>) return static_cast<T>(uint64_t{0} - static_cast<uint64_t>(x));
  else return -x;
}

BoundKernel bind_neg(const KernelSetup& setup) {
  return bind_any(setup, [](auto x) { return negated(x); });
}

BoundKernel bind_abs(const KernelSetup& setup) {
  return bind_any(setup, [](auto x) -> decltype(x) {
    if constexpr (std::is_floating_point_v<decltype(x)>) return std::fabs(x);
    else return x < 0 ? negated(x) : x;
  });
}

// An integer bound inside the type's range.
template <class T>
T bound_of(double value) {
  if constexpr (std::is_floating_point_v<T>) return static_cast<T>(value);
  if (!(value > static_cast<double>(std::numeric_limits<T>::lowest()))) return std::numeric_limits<T>::lowest();
  if (value >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
  return static_cast<T>(value);
}

BoundKernel bind_clip(const KernelSetup& setup) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double low = setup.attrs().number("min", -infinity), high = setup.attrs().number("max", infinity);
  return bind_any(setup, [low, high](auto x) {
    using T = decltype(x);
    const T least = bound_of<T>(low), most = bound_of<T>(high);
    return x < least ? least : x > most ? most : x;
  });
}

BoundKernel bind_prelu(const KernelSetup& setup) {
  expect_dtype(setup, DType::kF32, 0, 1);
  const Broadcast b = broadcast_inputs(setup);
  return {[b](const KernelCall& call) {
    for_each_row(b, call.pool, [&](int64_t out, const std::array<int64_t, 3>& in) {
      const float* x = call.in<float>(0) + in[0];
      const float* slope = call.in<float>(1) + in[1];
      for (int64_t i = 0; i < b.width(); ++i) {
        const float value = x[i * b.strides[0].back()];
        call.out<float>()[out + i] = value < 0.0f ? value * slope[i * b.strides[1].back()] : value;
      }
    });
  }};
}

}  // namespace

void add_activation_kernels(KernelTable& table) {
  const auto add = [&](const char* op, const char* name, BoundKernel (*bind)(const KernelSetup&)) {
    table.add({op, name, Isa::kScalar, bind});
  };
  add("Relu", "ref.relu", bind_relu);
  add("Neg", "ref.neg", bind_neg);
  add("Abs", "ref.abs", bind_abs);
  add("Clip", "ref.clip", bind_clip);
  add("PRelu", "ref.prelu", bind_prelu);
  add("Sigmoid", "ref.sigmoid", bind_float<sigmoid>);
  add("Tanh", "ref.tanh", bind_float<tanh_>);
  add("pare.Silu", "ref.silu", bind_float<silu>);
  add("HardSigmoid", "ref.hard_sigmoid", bind_float<hard_sigmoid, 200, 500>);
  add("HardSwish", "ref.hard_swish", bind_float<hard_swish>);
  add("Softplus", "ref.softplus", bind_float<softplus>);
  add("LeakyRelu", "ref.leaky_relu", bind_float<leaky_relu, 10>);
  add("Elu", "ref.elu", bind_float<elu, 1000>);
  add("Gelu", "ref.gelu", bind_gelu);
  add("Erf", "ref.erf", bind_float<erf_>);
  add("Exp", "ref.exp", bind_float<exp_>);
  add("Log", "ref.log", bind_float<log_>);
  add("Sqrt", "ref.sqrt", bind_float<sqrt_>);
  add("Floor", "ref.floor", bind_float<floor_>);
  add("Ceil", "ref.ceil", bind_float<ceil_>);
  add("Round", "ref.round", bind_float<round_>);
  add("Reciprocal", "ref.reciprocal", bind_float<reciprocal>);
}

}  // namespace pare
