#include "pruning/magnitude/masks.h"

#include <ATen/ops/argsort.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "core/base/error.h"

namespace pare {
namespace {

// Which dim the groups of m run along: input channels of a weight [out, in, ...].
int64_t group_dim(const at::Tensor& scores) { return scores.dim() > 1 ? 1 : 0; }

}  // namespace

at::Tensor smallest_mask(const at::Tensor& scores, double sparsity) {
  const at::Tensor flat = scores.detach().reshape({-1}).to(at::kDouble);
  const int64_t drop = std::llround(sparsity * static_cast<double>(flat.numel()));
  at::Tensor mask = at::ones({flat.numel()}, scores.options().dtype(at::kFloat));
  if (drop > 0) {
    const at::Tensor order = at::argsort(flat, /*stable=*/true, /*dim=*/0, /*descending=*/false);
    mask.index_fill_(0, order.narrow(0, 0, drop), 0.0);
  }
  return mask.reshape(scores.sizes());
}

std::vector<at::Tensor> smallest_masks(const std::vector<at::Tensor>& scores, double sparsity) {
  std::vector<at::Tensor> flat, out;
  for (const at::Tensor& s : scores) flat.push_back(s.detach().reshape({-1}).to(at::kDouble));
  if (flat.empty()) return out;
  const at::Tensor mask = smallest_mask(at::cat(flat), sparsity);
  int64_t start = 0;
  for (const at::Tensor& s : scores) {
    out.push_back(mask.narrow(0, start, s.numel()).reshape(s.sizes()).clone());
    start += s.numel();
  }
  return out;
}

at::Tensor n_of_m_mask(const at::Tensor& scores, int64_t n, int64_t m) {
  const int64_t dim = group_dim(scores);
  PARE_CHECK(n >= 1 && n <= m, ConfigError, "[prune.magnitude] expected 1 <= n <= m, got {}:{}", n, m);
  PARE_CHECK(scores.size(dim) % m == 0, ModelError,
             "[prune.magnitude] expected a multiple of {} along dim {}, got shape {}. Ignore the layer.", m, dim,
             scores.sizes().vec());
  const at::Tensor last = scores.detach().movedim(dim, -1).contiguous();
  const at::Tensor groups = last.reshape({-1, m});
  const at::Tensor order = at::argsort(groups, /*stable=*/true, /*dim=*/1, /*descending=*/true);
  at::Tensor mask = at::zeros_like(groups, groups.options().dtype(at::kFloat));
  mask.scatter_(1, order.narrow(1, 0, n), 1.0);
  return mask.reshape(last.sizes()).movedim(-1, dim).contiguous();
}

at::Tensor block_scores(const at::Tensor& scores, const std::vector<int64_t>& block) {
  std::vector<int64_t> split, reduced;
  for (int64_t d = 0; d < scores.dim(); ++d) {
    const int64_t size = static_cast<size_t>(d) < block.size() ? block[static_cast<size_t>(d)] : scores.size(d);
    PARE_CHECK(size > 0 && scores.size(d) % size == 0, ModelError,
               "[prune.magnitude] expected a multiple of {} along dim {}, got shape {}. Ignore the layer.", size, d,
               scores.sizes().vec());
    split.push_back(scores.size(d) / size);
    split.push_back(size);
    reduced.push_back(2 * d + 1);
  }
  return scores.detach().to(at::kDouble).reshape(split).sum(reduced);
}

at::Tensor spread_blocks(const at::Tensor& block_mask, const std::vector<int64_t>& block, at::IntArrayRef shape) {
  at::Tensor out = block_mask;
  for (int64_t d = 0; d < out.dim(); ++d) {
    const int64_t size = static_cast<size_t>(d) < block.size() ? block[static_cast<size_t>(d)] : shape[static_cast<size_t>(d)];
    out = out.repeat_interleave(size, d);
  }
  return out.contiguous();
}

}  // namespace pare
