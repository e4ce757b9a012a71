#include "quant/bias_correction.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

namespace pare {
namespace {

at::Tensor channel_mean(const at::Tensor& output, bool last) {
  return output.to(at::kDouble).movedim(last ? -1 : 1, 0).flatten(1).mean(1);
}

}  // namespace

std::vector<at::Tensor> output_means(Model& model, const std::vector<NodeId>& nodes,
                                     const std::vector<at::Tensor>& batches) {
  at::NoGradGuard no_grad;
  std::vector<ValueId> fetch;
  for (NodeId id : nodes) fetch.push_back(model.graph().node(id).outputs[0]);
  std::vector<at::Tensor> sums(nodes.size());
  double rows = 0.0;
  for (const at::Tensor& batch : batches) {
    const auto outputs = model.run({{model.graph().inputs().at(0), batch}}, fetch);
    const double weight = static_cast<double>(batch.size(0));
    for (size_t i = 0; i < outputs.size(); ++i) {
      const at::Tensor mean = channel_mean(outputs[i], model.graph().node(nodes[i]).op == "MatMul") * weight;
      sums[i] = sums[i].defined() ? sums[i] + mean : mean;
    }
    rows += weight;
  }
  for (at::Tensor& sum : sums) sum = sum / rows;
  return sums;
}

void correct_biases(Model& quantized, Model& reference, const QuantPlan& plan, const std::vector<at::Tensor>& batches) {
  at::NoGradGuard no_grad;
  std::vector<NodeId> nodes;
  std::vector<std::string> biases;
  for (const QuantWeight& weight : plan.weights) {
    if (weight.bias.empty()) continue;
    nodes.push_back(weight.node);
    biases.push_back(weight.bias);
  }
  const auto wanted = output_means(reference, nodes, batches);
  for (size_t i = 0; i < nodes.size(); ++i) {
    const at::Tensor got = output_means(quantized, {nodes[i]}, batches)[0];
    at::Tensor raw = quantized.param(biases[i]).raw;
    raw.add_((wanted[i] - got).to(raw.scalar_type()).reshape(raw.sizes()));
  }
}

}  // namespace pare
