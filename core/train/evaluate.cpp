#include "core/train/evaluate.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/topk.h>

#include <algorithm>

#include "core/data/loader.h"

namespace pare {

void EvalResult::add(const at::Tensor& all_logits, const at::Tensor& all_labels) {
  PARE_CHECK(all_logits.dim() == 2 && all_labels.dim() == 1 && all_logits.size(0) == all_labels.size(0), ModelError,
             "[evaluate] expected outputs [N, classes] and labels [N], got {} and {}", all_logits.sizes().vec(),
             all_labels.sizes().vec());
  const at::Tensor rows = all_labels.ge(0).nonzero().flatten();
  if (rows.numel() == 0) return;
  const at::Tensor logits = all_logits.index_select(0, rows), labels = all_labels.index_select(0, rows);
  const int64_t classes = logits.size(1), worst = labels.max().item<int64_t>();
  PARE_CHECK(worst < classes, DataError, "[evaluate] expected labels in [0, {}), got {}", classes, worst);
  count += labels.size(0);
  correct += logits.argmax(1).eq(labels).sum().item<int64_t>();
  const at::Tensor best = std::get<1>(at::topk(logits, std::min<int64_t>(5, classes), 1));
  top5 += best.eq(labels.unsqueeze(1)).sum().item<int64_t>();
  loss_sum += at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum).item<double>();
}

EvalResult evaluate(Model& model, const DatasetPtr& dataset, int64_t batch_size, int threads) {
  struct ModeGuard {
    Model& model;
    bool before = model.training();
    ~ModeGuard() { model.train(before); }
  } guard{model};
  at::NoGradGuard no_grad;
  model.train(false);
  EvalResult result;
  Loader loader(dataset, {.batch_size = batch_size, .threads = threads});
  loader.start(0);
  for (Batch batch; loader.next(batch);) {
    const auto outputs = model.forward({borrow(batch.inputs).to(model.device())});
    result.add(outputs.at(0), borrow(batch.labels).to(model.device()));
  }
  return result;
}

}  // namespace pare
