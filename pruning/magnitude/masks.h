#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace pare {

/// Masks (kFloat, 0/1, shape of the scores) that keep the largest scores. Ties are broken by position, so that a mask
/// depends on the scores alone.

/// Drops exactly round(sparsity * numel) elements. `sparsity` in [0, 1].
at::Tensor smallest_mask(const at::Tensor& scores, double sparsity);
/// The same over several tensors together; one mask each.
std::vector<at::Tensor> smallest_masks(const std::vector<at::Tensor>& scores, double sparsity);
/// Keeps the `n` largest of every `m` neighbours along dim 1 (input channels; dim 0 for vectors). Throws ModelError
/// when the dim is no multiple of m.
at::Tensor n_of_m_mask(const at::Tensor& scores, int64_t n, int64_t m);
/// Scores summed over blocks of `block` = sizes of the leading dims (missing dims: whole), [blocks...]; ModelError when
/// a dim is no multiple of its block.
at::Tensor block_scores(const at::Tensor& scores, const std::vector<int64_t>& block);
/// Repeats a block mask to the elements, inverse of block_scores' reduction.
at::Tensor spread_blocks(const at::Tensor& block_mask, const std::vector<int64_t>& block, at::IntArrayRef shape);

}  // namespace pare
