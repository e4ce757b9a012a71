// Masks: exact counts, position as tie-breaker, structure of n:m and blocks.

#include "pruning/magnitude/masks.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace pare {
namespace {

TEST(Masks, DropExactlyTheSmallest) {
  const at::Tensor mask = smallest_mask(at::tensor({3.0, 1.0, 2.0, 0.5}).reshape({2, 2}), 0.5);
  EXPECT_TRUE(mask.equal(at::tensor({1.0f, 0.0f, 1.0f, 0.0f}).reshape({2, 2})));
}

TEST(Masks, TiesAreBrokenByPositionSoTheCountIsExact) {
  const at::Tensor mask = smallest_mask(at::ones({3, 5}), 0.4);
  EXPECT_EQ(mask.sum().item<double>(), 9.0);
  EXPECT_EQ(mask.flatten().narrow(0, 0, 6).sum().item<double>(), 0.0);
}

TEST(Masks, NothingAndEverything) {
  EXPECT_EQ(smallest_mask(at::rand({7}), 0.0).sum().item<double>(), 7.0);
  EXPECT_EQ(smallest_mask(at::rand({7}), 1.0).sum().item<double>(), 0.0);
}

TEST(Masks, GlobalScopeComparesAcrossTensors) {
  const auto masks = smallest_masks({at::tensor({1.0, 2.0}), at::tensor({10.0, 20.0})}, 0.5);
  EXPECT_EQ(masks[0].sum().item<double>(), 0.0);
  EXPECT_EQ(masks[1].sum().item<double>(), 2.0);
}

TEST(Masks, NOfMKeepsNOfEveryGroupAlongTheInputChannels) {
  const at::Tensor scores = at::rand({6, 8, 3, 3});
  const at::Tensor mask = n_of_m_mask(scores, 2, 4);
  const at::Tensor groups = mask.reshape({6, 2, 4, 3, 3}).sum(2);
  EXPECT_TRUE(groups.eq(2).all().item<bool>());
  const at::Tensor kept = (scores * mask).sum(), other = (scores * (1 - mask)).sum();
  EXPECT_GT(kept.item<double>(), other.item<double>());
  EXPECT_THROW(n_of_m_mask(at::rand({4, 6}), 2, 4), ModelError);
  EXPECT_THROW(n_of_m_mask(at::rand({4, 8}), 5, 4), ConfigError);
}

TEST(Masks, BlocksAreDroppedWhole) {
  const at::Tensor scores = at::arange(32, at::kFloat).reshape({4, 8});
  const at::Tensor mask = spread_blocks(smallest_mask(block_scores(scores, {1, 4}), 0.5), {1, 4}, scores.sizes());
  EXPECT_EQ(mask.sizes().vec(), scores.sizes().vec());
  EXPECT_EQ(mask.narrow(0, 0, 2).sum().item<double>(), 0.0);
  EXPECT_EQ(mask.narrow(0, 2, 2).sum().item<double>(), 16.0);
  EXPECT_THROW(block_scores(at::rand({4, 6}), {1, 4}), ModelError);
}

TEST(Masks, MissingBlockDimsAreWhole) {
  EXPECT_EQ(block_scores(at::ones({4, 8, 3, 3}), {2, 4}).sizes().vec(), (std::vector<int64_t>{2, 2, 1, 1}));
  EXPECT_EQ(block_scores(at::ones({4, 8, 3, 3}), {2, 4}).sum().item<double>(), 288.0);
}

}  // namespace
}  // namespace pare
