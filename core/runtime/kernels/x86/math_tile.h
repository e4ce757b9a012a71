#pragma once
// Functions of floats and of rows of them over a vector type V, which belongs to one instruction set level.

#include "core/runtime/kernels/x86/micro_kernels.h"

namespace pare::x86 {

// c[0] x^(n-1) + ... + c[n-1].
template <class V, int kCount>
typename V::Float polynomial(const float (&c)[kCount], typename V::Float x) {
  auto y = V::broadcast(c[0]);
#pragma GCC unroll 8
  for (int i = 1; i < kCount; ++i) y = V::multiply_add(y, x, V::broadcast(c[i]));
  return y;
}

// Coefficients of Cephes (Moshier 1992), after the argument's reduction by multiples of log 2. At most 2 units in the
// last place; 0, denormals, infinity and NaN where the exact value is.
template <class V>
typename V::Float exp_of(typename V::Float x) {
  constexpr float kMost = 89.0f, kLeast = -104.0f, kLogHigh = 0.693359375f, kLogLow = -2.12194440e-4f;
  x = V::clamp(x, V::broadcast(kLeast), V::broadcast(kMost));
  const auto n = V::round(V::multiply(x, V::broadcast(1.44269504088896341f)));
  const auto r = V::multiply_add(n, V::broadcast(-kLogLow), V::multiply_add(n, V::broadcast(-kLogHigh), x));
  constexpr float kC[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
  const auto p = polynomial<V>(kC, r);
  return V::scale(V::add(V::multiply_add(p, V::multiply(r, r), r), V::broadcast(1.0f)), n);
}

template <class V>
typename V::Float sigmoid_of(typename V::Float x) {
  const auto one = V::broadcast(1.0f);
  return V::divide(one, V::add(one, exp_of<V>(V::negate(x))));
}

template <class V>
typename V::Float silu_of(typename V::Float x) {
  return V::divide(x, V::add(V::broadcast(1.0f), exp_of<V>(V::negate(x))));
}

// Cephes below 0.625, 1 - 2 / (exp(2 |x|) + 1) from there on.
template <class V>
typename V::Float tanh_of(typename V::Float x) {
  const auto size = V::absolute(x), square = V::multiply(x, x), one = V::broadcast(1.0f);
  constexpr float kC[] = {-5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f, -3.33332819422e-1f};
  const auto p = polynomial<V>(kC, square);
  const auto near = V::multiply_add(V::multiply(p, square), x, x);
  const auto power = V::add(exp_of<V>(V::add(size, size)), one);
  const auto far = V::add(one, V::divide(V::broadcast(-2.0f), power));
  return V::select_above(size, V::broadcast(0.625f), V::with_sign(far, x), near);
}

// Minimax polynomials (N. Juffa): of erf below 0.9277, of log(1 - erf) above.
template <class V>
typename V::Float erf_of(typename V::Float x) {
  const auto size = V::clamp(V::absolute(x), V::broadcast(0.0f), V::broadcast(4.0f)), square = V::multiply(x, x);
  constexpr float kNear[] = {-5.96761703e-4f, 4.99119423e-3f, -2.67681349e-2f, 1.12819925e-1f, -3.76125336e-1f, 1.28379166e-1f};
  const auto near = V::multiply_add(polynomial<V>(kNear, square), x, x);
  constexpr float kFar[] = {-1.72853470e-5f, 3.83197126e-4f,  -3.88396438e-3f, 2.42546219e-2f,
                            -1.06777877e-1f, -6.34846687e-1f, -1.28717512e-1f};
  auto far = exp_of<V>(V::multiply_add(polynomial<V>(kFar, size), size, V::negate(size)));
  far = V::with_sign(V::add(V::broadcast(1.0f), V::negate(far)), x);
  return V::select_above(size, V::broadcast(0.927734375f), far, near);
}

template <class V>
typename V::Float gelu_of(typename V::Float x) {
  const auto half = V::multiply(x, V::broadcast(0.5f));
  return V::multiply(half, V::add(V::broadcast(1.0f), erf_of<V>(V::multiply(x, V::broadcast(0.70710678118654752f)))));
}

template <class V>
typename V::Float gelu_tanh_of(typename V::Float x) {
  const auto cube = V::multiply(V::multiply(x, V::broadcast(0.044715f)), V::multiply(x, x));
  const auto inner = V::multiply(V::broadcast(0.79788456080286536f), V::add(x, cube));
  return V::multiply(V::multiply(x, V::broadcast(0.5f)), V::add(V::broadcast(1.0f), tanh_of<V>(inner)));
}

enum class Function { kExp, kSigmoid, kSilu, kTanh, kErf, kGelu, kGeluTanh };

template <class V, Function kFunction>
typename V::Float apply(typename V::Float x) {
  if constexpr (kFunction == Function::kExp) return exp_of<V>(x);
  if constexpr (kFunction == Function::kSigmoid) return sigmoid_of<V>(x);
  if constexpr (kFunction == Function::kSilu) return silu_of<V>(x);
  if constexpr (kFunction == Function::kTanh) return tanh_of<V>(x);
  if constexpr (kFunction == Function::kErf) return erf_of<V>(x);
  if constexpr (kFunction == Function::kGelu) return gelu_of<V>(x);
  if constexpr (kFunction == Function::kGeluTanh) return gelu_tanh_of<V>(x);
}

template <class V, Function kFunction>
void map_floats(const float* x, int64_t count, float* y) {
  int64_t i = 0;
  for (; i + V::kFloats <= count; i += V::kFloats) V::store(y + i, apply<V, kFunction>(V::load(x + i)));
  const int left = static_cast<int>(count - i);
  if (left > 0) V::store_part(y + i, apply<V, kFunction>(V::load_part(x + i, left)), left);
}

// Sums in double precision; `f` gives the lanes to add, zeros behind the row.
template <class V, class F>
double sum_row(int64_t count, F&& f) {
  typename V::Sum sum = V::no_sum();
  int64_t i = 0;
  for (; i + V::kFloats <= count; i += V::kFloats) sum = V::add_lanes(sum, f(i, V::kFloats));
  if (i < count) sum = V::add_lanes(sum, f(i, static_cast<int>(count - i)));
  return V::total(sum);
}

template <class V>
typename V::Float load_lanes(const float* from, int count) {
  return count == V::kFloats ? V::load(from) : V::load_part(from, count);
}

template <class V>
void store_lanes(float* to, typename V::Float x, int count) {
  if (count == V::kFloats)
    V::store(to, x);
  else
    V::store_part(to, x, count);
}

// NaN is passed over.
template <class V>
float largest_of(const float* x, int64_t count) {
  auto lanes = V::broadcast(-__builtin_inff());
  int64_t i = 0;
  for (; i + V::kFloats <= count; i += V::kFloats) lanes = V::larger(V::load(x + i), lanes);
  float parts[V::kFloats], most = -__builtin_inff();
  V::store(parts, lanes);
  for (const float part : parts) most = part > most ? part : most;
  for (; i < count; ++i) most = x[i] > most ? x[i] : most;
  return most;
}

template <class V>
void softmax_row(const float* x, int64_t count, float* y) {
  const auto top = V::broadcast(-largest_of<V>(x, count));
  const double sum = sum_row<V>(count, [&](int64_t i, int lanes) {
    const auto e = V::first_of(exp_of<V>(V::add(load_lanes<V>(x + i, lanes), top)), lanes);
    store_lanes<V>(y + i, e, lanes);
    return e;
  });
  const auto factor = V::broadcast(static_cast<float>(1.0 / sum));
  for (int64_t i = 0; i < count; i += V::kFloats) {
    const int lanes = static_cast<int>(count - i < V::kFloats ? count - i : V::kFloats);
    store_lanes<V>(y + i, V::multiply(load_lanes<V>(y + i, lanes), factor), lanes);
  }
}

// The mean stands in two floats, so that rows far from zero keep their digits.
template <class V>
void normalize_row(const NormalizedRow& row) {
  const auto count = static_cast<double>(row.count);
  const double mean =
      row.centred ? sum_row<V>(row.count, [&](int64_t i, int lanes) { return load_lanes<V>(row.x + i, lanes); }) / count : 0.0;
  const auto high = V::broadcast(-static_cast<float>(mean)),
             low = V::broadcast(static_cast<float>(static_cast<double>(static_cast<float>(mean)) - mean));
  const auto distance = [&](int64_t i, int lanes) {
    return V::add(V::add(load_lanes<V>(row.x + i, lanes), high), low);
  };
  const double square = sum_row<V>(row.count, [&](int64_t i, int lanes) {
    const auto d = V::first_of(distance(i, lanes), lanes);
    return V::multiply(d, d);
  });
  const auto inverse = V::broadcast(static_cast<float>(V::inverse_root(square / count + row.epsilon)));
  for (int64_t i = 0; i < row.count; i += V::kFloats) {
    const int lanes = static_cast<int>(row.count - i < V::kFloats ? row.count - i : V::kFloats);
    const auto scaled = V::multiply(distance(i, lanes), inverse), scale = load_lanes<V>(row.scale + i, lanes);
    store_lanes<V>(row.out + i,
                   row.bias ? V::multiply_add(scaled, scale, load_lanes<V>(row.bias + i, lanes)) : V::multiply(scaled, scale),
                   lanes);
  }
}

}  // namespace pare::x86
