#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <set>

#include "core/data/loader.h"
#include "core/data/views.h"
#include "tests/data/fixtures.h"

namespace pare {
namespace {

DatasetPtr numbered_images(int64_t count, int64_t side = 6) {
  Tensor images(DType::kU8, {count, side, side, 1}), labels(DType::kI64, {count});
  for (int64_t i = 0; i < images.numel(); ++i)
    images.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(i * 31 + i / 97);
  std::iota(labels.mutable_data<int64_t>(), labels.mutable_data<int64_t>() + count, 0);
  return tensor_dataset(images, labels);
}

DatasetPtr training_view(int64_t count) {
  return normalise(augment(numbered_images(count), {.flip = true, .crop = true, .pad = 2}), {.channels = 1});
}

std::vector<Batch> epoch(Loader& loader, int64_t number, int64_t first = 0) {
  loader.start(number, first);
  std::vector<Batch> out;
  for (Batch batch; loader.next(batch);) out.push_back(batch);
  return out;
}

void expect_equal(const std::vector<Batch>& a, const std::vector<Batch>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].indices, b[i].indices) << i;
    EXPECT_TRUE(same_bytes(a[i].inputs, b[i].inputs)) << i;
    EXPECT_TRUE(same_bytes(a[i].labels, b[i].labels)) << i;
  }
}

TEST(Loader, SameSequenceWhateverTheThreads) {
  const auto set = training_view(53);
  Loader one(set, {.batch_size = 8, .shuffle = true, .seed = 3, .threads = 1, .prefetch = 1});
  Loader four(set, {.batch_size = 8, .shuffle = true, .seed = 3, .threads = 4, .prefetch = 9});
  for (int64_t e : {0, 1, 5}) expect_equal(epoch(one, e), epoch(four, e));
}

TEST(Loader, EpochsAndSeedsDiffer) {
  const auto set = training_view(53);
  Loader loader(set, {.batch_size = 53, .shuffle = true, .seed = 3});
  Loader other(set, {.batch_size = 53, .shuffle = true, .seed = 4});
  const auto a = epoch(loader, 0), b = epoch(loader, 1), c = epoch(other, 0);
  EXPECT_NE(a[0].indices, b[0].indices);
  EXPECT_NE(a[0].indices, c[0].indices);
  expect_equal(a, epoch(loader, 0));
}

TEST(Loader, EveryExampleOnce) {
  Loader loader(training_view(53), {.batch_size = 8, .shuffle = true});
  EXPECT_EQ(loader.batches(), 7);
  std::multiset<int64_t> seen;
  for (const Batch& batch : epoch(loader, 2)) {
    EXPECT_EQ(batch.labels.to_ints(), batch.indices);  // labels are the numbers
    seen.insert(batch.indices.begin(), batch.indices.end());
  }
  EXPECT_EQ(seen.size(), 53u);
  EXPECT_EQ(std::set<int64_t>(seen.begin(), seen.end()).size(), 53u);
}

TEST(Loader, DropLast) {
  Loader loader(training_view(53), {.batch_size = 8, .drop_last = true});
  EXPECT_EQ(epoch(loader, 0).size(), 6u);
}

TEST(Loader, ResumesInsideAnEpoch) {
  const auto set = training_view(53);
  Loader loader(set, {.batch_size = 8, .shuffle = true, .seed = 9, .threads = 2});
  auto whole = epoch(loader, 4);
  whole.erase(whole.begin(), whole.begin() + 3);
  expect_equal(whole, epoch(loader, 4, 3));
}

TEST(Loader, StartsAgainInTheMiddle) {
  const auto set = training_view(53);
  Loader loader(set, {.batch_size = 4, .shuffle = true, .seed = 9, .threads = 3});
  const auto whole = epoch(loader, 0);
  loader.start(1);
  Batch batch;
  ASSERT_TRUE(loader.next(batch));
  expect_equal(whole, epoch(loader, 0));
}

/// Rows of the ranks together are the rows of the one rank that has their batch sizes added.
TEST(Loader, RanksShareTheGlobalBatch) {
  const auto set = training_view(50);
  Loader whole(set, {.batch_size = 12, .shuffle = true, .seed = 1});
  const auto global = epoch(whole, 2);
  std::vector<std::vector<Batch>> parts;
  for (int64_t rank = 0; rank < 3; ++rank) {
    Loader part(set, {.batch_size = 4, .shuffle = true, .seed = 1, .rank = rank, .ranks = 3, .threads = 2});
    parts.push_back(epoch(part, 2));
  }
  for (size_t b = 0; b + 1 < global.size(); ++b) {
    for (size_t row = 0; row < 12; ++row) {
      const Batch& part = parts[row % 3][b];
      EXPECT_EQ(global[b].indices[row], part.indices[row / 3]);
      EXPECT_TRUE(std::equal(part.inputs.data<float>() + row / 3 * 36, part.inputs.data<float>() + (row / 3 + 1) * 36,
                             global[b].inputs.data<float>() + row * 36));
    }
  }
  for (const auto& part : parts) EXPECT_EQ(part.size(), 4u);  // 50 = 4 * 12 + 2: two rows are too few for three ranks
}

/// Fails on one example.
class Broken final : public Dataset {
 public:
  explicit Broken(int64_t bad) : bad_(bad) {}
  int64_t size() const override { return 40; }
  uint64_t fingerprint() const override { return 0; }
  Example get(int64_t index, Rng) const override {
    PARE_CHECK(index != bad_, DataError, "[broken] example {}", index);
    return {Tensor::of<float>({static_cast<float>(index)}, {1}), index};
  }

 private:
  int64_t bad_;
};

TEST(Loader, WorkerErrorsArriveInOrder) {
  Loader loader(std::make_shared<Broken>(17), {.batch_size = 5, .threads = 3});
  loader.start(0);
  Batch batch;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(loader.next(batch));
  EXPECT_EQ(batch.indices.front(), 10);
  EXPECT_THROW(loader.next(batch), DataError);
  ASSERT_TRUE(loader.next(batch));
  EXPECT_EQ(batch.indices.front(), 20);
}

TEST(Loader, DifferentSizesAreRefusedWithTheExample) {
  class Mixed final : public Dataset {
   public:
    int64_t size() const override { return 4; }
    uint64_t fingerprint() const override { return 0; }
    Example get(int64_t index, Rng) const override { return {Tensor(DType::kF32, {index == 2 ? 3 : 2}), 0}; }
  };
  Loader loader(std::make_shared<Mixed>(), {.batch_size = 4});
  loader.start(0);
  Batch batch;
  try {
    loader.next(batch);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("example 2"), std::string::npos) << error.what();
  }
}

TEST(Loader, RefusesWrongOptions) {
  const auto set = numbered_images(4);
  EXPECT_THROW(Loader(set, {.batch_size = 0}), ConfigError);
  EXPECT_THROW(Loader(set, {.rank = 2, .ranks = 2}), ConfigError);
  EXPECT_THROW(Loader(set, {.threads = 0}), ConfigError);
}

TEST(Views, HoldoutIsDisjointAndSeeded) {
  const auto set = numbered_images(30);
  const auto a = split_holdout(set, 10, 1), b = split_holdout(set, 10, 1), c = split_holdout(set, 10, 2);
  std::set<int64_t> all;
  std::vector<int64_t> held_a, held_b, held_c;
  for (int64_t i = 0; i < 20; ++i) all.insert(a.rest->get(i, Rng(0)).label);
  for (int64_t i = 0; i < 10; ++i) {
    held_a.push_back(a.holdout->get(i, Rng(0)).label);
    held_b.push_back(b.holdout->get(i, Rng(0)).label);
    held_c.push_back(c.holdout->get(i, Rng(0)).label);
    all.insert(held_a.back());
  }
  EXPECT_EQ(all.size(), 30u);
  EXPECT_EQ(held_a, held_b);
  EXPECT_NE(held_a, held_c);
  EXPECT_EQ(a.holdout->fingerprint(), b.holdout->fingerprint());
  EXPECT_NE(a.holdout->fingerprint(), c.holdout->fingerprint());
  EXPECT_THROW(split_holdout(set, 31, 1), ConfigError);
}

TEST(Views, AugmentShiftsAndMirrors) {
  const auto set = numbered_images(1, 4);
  const Tensor original = set->get(0, Rng(0)).input;
  const auto flipped = augment(set, {.flip = true});
  int mirrored = 0;
  constexpr int kDraws = 200;
  for (uint64_t s = 0; s < kDraws; ++s) {
    const Tensor got = flipped->get(0, Rng(s)).input;
    if (same_bytes(got, original)) continue;
    ++mirrored;
    for (int64_t y = 0; y < 4; ++y)
      for (int64_t x = 0; x < 4; ++x)
        ASSERT_EQ(got.data<uint8_t>()[y * 4 + x], original.data<uint8_t>()[y * 4 + 3 - x]);
  }
  EXPECT_NEAR(mirrored, kDraws / 2, 30);  // four standard deviations of a fair coin
}

TEST(Views, CropPadsWithZerosOrReflects) {
  const auto row =
      tensor_dataset(Tensor::of<uint8_t>({1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 3, 3, 1}), Tensor::of<int64_t>({0}, {1}));
  std::set<std::vector<double>> zero, reflect;
  for (uint64_t s = 0; s < 400; ++s) {
    zero.insert(augment(row, {.crop = true, .pad = 1})->get(0, Rng(s)).input.to_doubles());
    reflect.insert(
        augment(row, {.crop = true, .pad = 1, .padding = Padding::kReflect})->get(0, Rng(s)).input.to_doubles());
  }
  EXPECT_EQ(zero.size(), 9u);
  EXPECT_EQ(reflect.size(), 9u);
  EXPECT_TRUE(zero.count({0, 0, 0, 0, 1, 2, 0, 4, 5}));
  EXPECT_TRUE(reflect.count({5, 4, 5, 2, 1, 2, 5, 4, 5}));
  EXPECT_THROW(augment(row, {.crop = true, .pad = 3, .padding = Padding::kReflect})->get(0, Rng(4)), ConfigError);
}

TEST(Views, CacheReadsEachExampleOnceUpToItsLimit) {
  class Counting final : public Dataset {
   public:
    mutable std::atomic<int> reads{0};
    int64_t size() const override { return 4; }
    uint64_t fingerprint() const override { return 0; }
    Example get(int64_t index, Rng) const override {
      ++reads;
      return {Tensor(DType::kU8, {10}), index};
    }
  };
  const auto base = std::make_shared<Counting>();
  const auto view = cached(base, 25);  // two of four
  for (int round = 0; round < 3; ++round)
    for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(view->get(i, Rng(0)).label, i);
  EXPECT_EQ(base->reads, 2 + 3 * 2);
}

}  // namespace
}  // namespace pare
