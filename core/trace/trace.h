#pragma once

#include <torch/nn/module.h>

#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/trace/recording.h"

namespace pare {

/// What a module computes: examples to outputs.
using ModuleFunction = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>&)>;

/// The work behind `trace`, for modules that are called in another way than by forward(tensors...). `forward` must run
/// `module`, whose parameters and buffers keep their names.
Traced trace_function(torch::nn::Module& module, const ModuleFunction& forward, const std::vector<at::Tensor>& examples,
                      const TraceOptions& options = {}, const OpTable& ops = builtin_ops(),
                      const TorchOps& torch_ops = builtin_torch_ops());

namespace detail {

inline std::vector<at::Tensor> as_tensors(at::Tensor one) {
  return {std::move(one)};
}
inline std::vector<at::Tensor> as_tensors(std::vector<at::Tensor> many) {
  return many;
}
template <class... T>
std::vector<at::Tensor> as_tensors(const std::tuple<T...>& many) {
  return std::apply([](const auto&... each) { return std::vector<at::Tensor>{each...}; }, many);
}

[[noreturn]] void wrong_number_of_examples(size_t got);

template <class M>
std::vector<at::Tensor> call_forward(M& module, const std::vector<at::Tensor>& in) {
  if constexpr (requires { module.forward(in); }) return as_tensors(module.forward(in));
  if constexpr (requires { module.forward(in[0]); })
    if (in.size() == 1) return as_tensors(module.forward(in[0]));
  if constexpr (requires { module.forward(in[0], in[1]); })
    if (in.size() == 2) return as_tensors(module.forward(in[0], in[1]));
  if constexpr (requires { module.forward(in[0], in[1], in[2]); })
    if (in.size() == 3) return as_tensors(module.forward(in[0], in[1], in[2]));
  wrong_number_of_examples(in.size());
}

}  // namespace detail

/// Traces a C++ module of one's own: records what `module.forward(examples...)` calls, in evaluation mode, and gives
/// the same as a graph whose parameters and buffers have the module's names and values (copied). Outputs may be a
/// tensor, a tuple or a vector of tensors; inputs up to three tensors or a vector. What is computed outside torch
/// (sizes, branches) is taken as the examples give it; the batch is free when a second trace with one row more differs
/// in nothing else. Both are run on the examples. Throws ModelError listing the calls that cannot be represented, or
/// naming an output that differs beyond `options.tolerance`.
///
///     Traced traced = trace(net, {torch::randn({1, 3, 32, 32})});
///     Model model = thaw(traced.frozen);
template <class M>
requires std::is_base_of_v<torch::nn::Module, M> Traced trace(M& module, const std::vector<at::Tensor>& examples,
                                                              const TraceOptions& options = {}) {
  const auto forward = [&module](const std::vector<at::Tensor>& in) { return detail::call_forward(module, in); };
  return trace_function(module, forward, examples, options);
}

/// The same for a module holder (what TORCH_MODULE makes) or a shared pointer.
template <class Holder>
requires requires(Holder& holder) {
  holder->named_parameters();
}
Traced trace(Holder& holder, const std::vector<at::Tensor>& examples, const TraceOptions& options = {}) {
  return trace(*holder, examples, options);
}

}  // namespace pare
