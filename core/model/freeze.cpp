#include "core/model/freeze.h"

#include <ATen/core/grad_mode.h>

#include "core/model/qdq.h"
#include "core/model/rewrite.h"

namespace pare {
namespace {

// Effective parameters as their chains store them; what the graph lowering retyped is stored as it is.
void encode_constants(Model& model, FrozenModel& out) {
  ConstantStore dense = model.constants(/*effective=*/true);
  fake_quant_to_qdq(out.graph, dense);
  for (const Param& p : model.params()) {
    const Tensor& tensor = dense.get(p.name);
    out.constants[p.name] = p.chain.empty() ? encode_raw(tensor) : encode(p.chain, tensor);
  }
}

std::vector<GoldenSample> golden_samples(Model& model, const std::vector<std::vector<Tensor>>& samples) {
  std::vector<GoldenSample> out;
  for (const auto& inputs : samples) {
    std::vector<at::Tensor> borrowed;
    for (const Tensor& tensor : inputs) borrowed.push_back(borrow(tensor));
    GoldenSample sample{inputs, {}};
    for (const at::Tensor& output : model.forward(borrowed)) sample.outputs.push_back(lend(output).clone());
    out.push_back(std::move(sample));
  }
  return out;
}

}  // namespace

FrozenModel freeze(const Model& model, const std::vector<std::vector<Tensor>>& samples, const FreezeOptions& options) {
  at::NoGradGuard no_grad;
  Model copy = model.clone();
  copy.to(at::kCPU);
  rewrite(copy, inference_passes());
  FrozenModel out;
  out.graph = copy.graph();
  out.preprocess = options.preprocess;
  out.labels = options.labels;
  out.metadata = options.metadata;
  encode_constants(copy, out);
  // From what was stored, so that the golden outputs are those of the artifact.
  Model frozen(out.graph, decode_constants(out), copy.ops(), copy.torch_ops());
  out.graph = frozen.graph();
  out.golden = golden_samples(frozen, samples);
  return out;
}

}  // namespace pare
