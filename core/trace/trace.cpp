#include "core/trace/trace.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/ir.h>

#include <set>

#include "core/base/error.h"
#include "core/trace/recorder_impl.h"

namespace pare {
namespace {

using Tensors = std::vector<at::Tensor>;

constexpr const char* kTrace = "trace";

// Parameters that are shared count once, by their first name.
std::vector<NamedTensor> tensors_of(const torch::nn::Module& module) {
  std::vector<NamedTensor> out;
  std::set<const c10::TensorImpl*> seen;
  for (const auto& entry : module.named_parameters())
    if (seen.insert(entry.value().unsafeGetTensorImpl()).second)
      out.push_back({entry.key(), entry.value(), Role::kParameter});
  for (const auto& entry : module.named_buffers())
    if (seen.insert(entry.value().unsafeGetTensorImpl()).second)
      out.push_back({entry.key(), entry.value(), Role::kBuffer});
  return out;
}

// Until it goes; then each submodule is as it was.
class EvaluationMode {
 public:
  explicit EvaluationMode(torch::nn::Module& module) {
    for (const auto& each : module.modules(false)) modes_.emplace_back(each, each->is_training());
    module_ = {&module, module.is_training()};
    module.eval();
  }
  ~EvaluationMode() {
    module_.first->train(module_.second);
    for (const auto& [each, training] : modes_) each->train(training);  // parents come first
  }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  std::pair<torch::nn::Module*, bool> module_;
  std::vector<std::pair<std::shared_ptr<torch::nn::Module>, bool>> modes_;
};

Recording record_call(const ModuleFunction& forward, const Tensors& inputs, const std::vector<NamedTensor>& named) {
  torch::jit::Stack stack(inputs.begin(), inputs.end());
  for (const NamedTensor& entry : named) stack.emplace_back(entry.tensor);
  const auto traced = [&](torch::jit::Stack) -> torch::jit::Stack {
    const Tensors outputs = forward(inputs);
    return {outputs.begin(), outputs.end()};
  };
  const auto no_name = [](const at::Tensor&) { return std::string(); };
  const auto state = torch::jit::tracer::trace(stack, traced, no_name).first;
  return record(*state->graph, stack, inputs, named, kTrace);
}

}  // namespace

void detail::wrong_number_of_examples(size_t got) {
  throw ModelError(
      fmt("[{}] expected as many examples as forward() takes tensors, at most three, got {}", kTrace, got));
}

Traced trace_function(torch::nn::Module& module, const ModuleFunction& forward, const Tensors& examples,
                      const TraceOptions& options, const OpTable& ops, const TorchOps& torch_ops) {
  PARE_CHECK(!examples.empty(), ModelError, "[{}] expected example inputs, got none", kTrace);
  const at::NoGradGuard no_grad;
  const std::vector<NamedTensor> named = tensors_of(module);
  const EvaluationMode evaluation(module);
  TracedSource source;
  source.where = kTrace;
  source.run = forward;
  source.record = [&](const Tensors& inputs) {
    try {
      return record_call(forward, inputs, named);
    } catch (const c10::Error& error) {
      throw ModelError(fmt("[{}] expected the module to run on the examples, got: {}", kTrace, first_line(error)));
    }
  };
  return trace_source(source, examples, options, ops, torch_ops);
}

}  // namespace pare
