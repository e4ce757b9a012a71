#include "core/train/losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/kl_div.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/one_hot.h>

#include "core/base/error.h"

namespace pare {
namespace {

void check_labels(const at::Tensor& logits, const at::Tensor& labels, const char* loss) {
  PARE_CHECK(logits.dim() == 2 && labels.dim() == 1 && labels.size(0) == logits.size(0), ModelError,
             "[{}] expected outputs [N, classes] and labels [N], got {} and {}", loss, logits.sizes().vec(), labels.sizes().vec());
  const int64_t low = labels.min().item<int64_t>(), high = labels.max().item<int64_t>();
  PARE_CHECK(low >= 0 && high < logits.size(1), DataError, "[{}] expected labels in [0, {}), got {}", loss, logits.size(1),
             low < 0 ? low : high);
}

}  // namespace

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels, double smoothing) {
  check_labels(logits, labels, "cross_entropy");
  return at::cross_entropy_loss(logits, labels, {}, at::Reduction::Mean, -100, smoothing);
}

at::Tensor one_hot_mse(const at::Tensor& logits, const at::Tensor& labels) {
  check_labels(logits, labels, "mse");
  return at::mse_loss(logits, at::one_hot(labels, logits.size(1)).to(logits.scalar_type()));
}

at::Tensor match_outputs(const std::vector<at::Tensor>& outputs, const std::vector<at::Tensor>& reference,
                         Divergence divergence) {
  PARE_CHECK(outputs.size() == reference.size() && !outputs.empty(), ModelError, "[match_input] expected {} outputs, got {}",
             reference.size(), outputs.size());
  at::Tensor total;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const at::Tensor &y = outputs[i], &target = reference[i];
    PARE_CHECK(y.sizes() == target.sizes(), ModelError, "[match_input] expected output {} of shape {}, got {}", i,
               target.sizes().vec(), y.sizes().vec());
    at::Tensor term;
    if (divergence == Divergence::kMse) {
      term = at::mse_loss(y, target);
    } else {
      const int64_t classes = y.size(-1);
      const at::Tensor log_y = at::log_softmax(y, -1).reshape({-1, classes});
      const at::Tensor log_target = at::log_softmax(target, -1).reshape({-1, classes});
      term = at::kl_div(log_y, log_target, at::Reduction::Sum, true) / static_cast<double>(log_y.size(0));
    }
    total = total.defined() ? total + term : term;
  }
  return total;
}

}  // namespace pare
