#include "core/train/ranks.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include "core/base/rng.h"

namespace pare {
namespace {

constexpr int64_t kBucketElements = int64_t{25'000'000} / 4;  // 25 MB of float, as in PyTorch's DDP

std::vector<at::Tensor> raw_of(const Model& model, bool parameters, bool buffers) {
  std::vector<at::Tensor> out;
  for (const Param& param : model.params()) {
    if ((param.role == Role::kParameter && parameters) || (param.role == Role::kBuffer && buffers)) out.push_back(param.raw.detach());
    if (!parameters) continue;
    for (const auto& link : param.chain)
      for (const auto& [name, tensor] : link->state()) out.push_back(tensor.detach());
  }
  return out;
}

}  // namespace

void all_reduce_weighted(Communicator& communicator, std::vector<at::Tensor>& tensors, double weight) {
  at::NoGradGuard no_grad;
  for (size_t begin = 0; begin < tensors.size();) {
    std::vector<at::Tensor> flat;
    int64_t elements = 0;
    size_t end = begin;
    for (; end < tensors.size() && (end == begin || elements + tensors[end].numel() <= kBucketElements); ++end) {
      flat.push_back(tensors[end].reshape({-1}));
      elements += tensors[end].numel();
    }
    std::vector<at::Tensor> bucket = {at::cat(flat).mul_(weight)};
    communicator.all_reduce(bucket);
    int64_t at = 0;
    for (size_t i = begin; i < end; ++i) {
      tensors[i].copy_(bucket[0].narrow(0, at, tensors[i].numel()).view_as(tensors[i]));
      at += tensors[i].numel();
    }
    begin = end;
  }
}

double average_gradients(Communicator& communicator, const Model& model, double loss, double weight) {
  if (communicator.size() == 1) return loss;
  std::vector<at::Tensor> gradients;
  for (const Param& param : model.params())
    if (param.raw.grad().defined()) gradients.push_back(param.raw.grad());
  for (const auto& [name, tensor] : model.chain_parameters())
    if (tensor.grad().defined()) gradients.push_back(tensor.grad());
  gradients.push_back(at::full({}, loss, at::kFloat));
  all_reduce_weighted(communicator, gradients, weight);
  return gradients.back().item<double>();
}

void broadcast_model(Communicator& communicator, const Model& model) {
  if (communicator.size() == 1) return;
  auto tensors = raw_of(model, true, true);
  communicator.broadcast(tensors);
}

void broadcast_buffers(Communicator& communicator, const Model& model) {
  if (communicator.size() == 1) return;
  auto tensors = raw_of(model, false, true);
  communicator.broadcast(tensors);
}

void check_same_model(Communicator& communicator, const Model& model, int64_t epoch) {
  if (communicator.size() == 1) return;
  uint64_t hash = 0;
  for (const at::Tensor& tensor : raw_of(model, true, false)) {
    const Tensor bytes = lend(tensor);
    hash = hash64({reinterpret_cast<const char*>(bytes.bytes()), static_cast<size_t>(bytes.nbytes())}, hash);
  }
  const auto mine = static_cast<int64_t>(hash);
  std::vector<at::Tensor> main = {at::full({1}, mine, at::kLong)};
  communicator.broadcast(main);
  std::vector<at::Tensor> different = {at::full({1}, main[0].item<int64_t>() == mine ? 0 : 1, at::kLong)};
  communicator.all_reduce(different);
  PARE_CHECK(different[0].item<int64_t>() == 0, ModelError,
             "[train] weights or masks differ on {} of {} ranks after epoch {}. A modifier decides by itself on each rank",
             different[0].item<int64_t>(), communicator.size(), epoch);
}

}  // namespace pare
