#include "pruning/structured/gradients.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>

#include <algorithm>
#include <memory>

#include "core/data/loader.h"
#include "core/job/job.h"

namespace pare {
namespace {

constexpr int64_t kProbeImages = 8;

Loader training_loader(Job& job, int64_t batch_size, const std::string& purpose) {
  return Loader(job.plain_train_data, {.batch_size = std::min(batch_size, job.plain_train_data->size()),
                                       .shuffle = true,
                                       .seed = job.rng(purpose).next(),
                                       .threads = std::max(1, job.threads)});
}

}  // namespace

GradientPasses gradient_passes(Job& job, const CriterionConfig& criterion) {
  int64_t batches = 0, size = 0;
  if (const auto* taylor = std::get_if<TaylorCriterion>(&criterion)) {
    batches = taylor->batches;
    size = taylor->batch_size;
  } else if (const auto* hessian = std::get_if<HessianCriterion>(&criterion)) {
    batches = hessian->batches;
    size = hessian->batch_size;
  }
  if (batches == 0) return {};
  PARE_CHECK(job.plain_train_data != nullptr, ConfigError,
             "[prune.structured] this criterion needs gradients: expected training data, got none. Add data.train.");
  job.model->train(false);
  const std::shared_ptr<Loader> loader(new Loader(training_loader(job, size, "taylor")));
  loader->start(0);
  return {
      std::min(batches, loader->batches()), [&model = *job.model, loader](int64_t) {
        Batch batch;
        PARE_CHECK(loader->next(batch), InternalError, "[prune.structured] the loader ended early");
        const at::Tensor labels = borrow(batch.labels).to(model.device());
        PARE_CHECK(
            labels.min().item<int64_t>() >= 0, ConfigError,
            "[prune.structured] this criterion needs labels: expected labelled images. Use norm, bn_scale or fpgm.");
        clear_gradients(model);
        at::cross_entropy_loss(model.forward({borrow(batch.inputs).to(model.device())}).at(0), labels).backward();
      }};
}

void clear_gradients(Model& model) {
  for (at::Tensor& parameter : model.parameters()) parameter.mutable_grad() = at::Tensor();
}

std::vector<at::Tensor> probe_inputs(Job& job) {
  const Graph& graph = job.model->graph();
  if (job.plain_train_data && graph.inputs().size() == 1) {
    Loader loader = training_loader(job, kProbeImages, "probe");
    loader.start(0);
    Batch batch;
    if (loader.next(batch)) return {borrow(batch.inputs).to(job.model->device())};
  }
  std::vector<at::Tensor> out;
  Rng rng = job.rng("probe");
  for (ValueId id : graph.inputs()) {
    const Value& value = graph.value(id);
    std::map<std::string, int64_t> bindings;
    for (const Dim& dim : *value.shape)
      for (const std::string& symbol : dim.symbols()) bindings[symbol] = 2;
    Tensor input(value.dtype, evaluate(*value.shape, bindings));
    if (value.dtype == DType::kF32) {
      float* data = input.mutable_data<float>();
      for (int64_t i = 0; i < input.numel(); ++i) data[i] = static_cast<float>(rng.normal());
    }
    out.push_back(borrow(input).to(job.model->device()));
  }
  return out;
}

}  // namespace pare
