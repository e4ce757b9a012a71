#include "core/data/views.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <numeric>

#include "core/base/error.h"
#include "core/data/image.h"

namespace pare {
namespace {

/// A view that passes everything on.
class View : public Dataset {
 public:
  explicit View(DatasetPtr base) : base_(std::move(base)) {}
  int64_t size() const override { return base_->size(); }
  Example get(int64_t index, Rng rng) const override { return base_->get(index, rng); }
  std::vector<std::string> labels() const override { return base_->labels(); }
  uint64_t fingerprint() const override { return base_->fingerprint(); }

 protected:
  DatasetPtr base_;
};

class Subset final : public View {
 public:
  Subset(DatasetPtr base, std::vector<int64_t> indices) : View(std::move(base)), indices_(std::move(indices)) {
    for (int64_t i : indices_)
      PARE_CHECK(i >= 0 && i < base_->size(), ConfigError, "[subset] expected indices below {}, got {}", base_->size(), i);
  }
  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  Example get(int64_t index, Rng rng) const override { return base_->get(indices_.at(static_cast<size_t>(index)), rng); }
  uint64_t fingerprint() const override {
    return hash64({reinterpret_cast<const char*>(indices_.data()), indices_.size() * sizeof(int64_t)}, base_->fingerprint());
  }

 private:
  std::vector<int64_t> indices_;
};

class Augmented final : public View {
 public:
  Augmented(DatasetPtr base, AugmentOptions options) : View(std::move(base)), options_(options) {}

  Example get(int64_t index, Rng rng) const override {
    Example example = base_->get(index, rng);
    Rng draw = rng.fork("augment");
    const bool mirror = options_.flip && draw.below(2) == 1;
    const auto span = static_cast<uint64_t>(2 * options_.pad + 1);
    const int64_t dy = options_.crop ? static_cast<int64_t>(draw.below(span)) - options_.pad : 0;
    const int64_t dx = options_.crop ? static_cast<int64_t>(draw.below(span)) - options_.pad : 0;
    if (mirror || dy != 0 || dx != 0) example.input = shifted(example.input, dy, dx, mirror);
    return example;
  }

 private:
  /// Row or column that `i` reads after padding; -1: zero.
  int64_t source(int64_t i, int64_t size) const {
    if (i >= 0 && i < size) return i;
    if (options_.padding == Padding::kZero) return -1;
    return i < 0 ? -i : 2 * (size - 1) - i;
  }

  Tensor shifted(const Tensor& image, int64_t dy, int64_t dx, bool mirror) const {
    PARE_CHECK(image.dtype() == DType::kU8 && image.rank() == 3, DataError,
               "[augment] expected images U8 [H,W,C], got {} {}", image.dtype(), image.shape());
    const int64_t h = image.dim(0), w = image.dim(1), c = image.dim(2);
    PARE_CHECK(options_.padding == Padding::kZero || (options_.pad < h && options_.pad < w), ConfigError,
               "[augment] expected reflect padding below the image size {}, got {}", image.shape(), options_.pad);
    Tensor out(DType::kU8, image.shape());
    const uint8_t* from = image.data<uint8_t>();
    uint8_t* to = out.mutable_data<uint8_t>();
    for (int64_t y = 0; y < h; ++y) {
      const int64_t sy = source(y + dy, h);
      if (sy < 0) continue;
      for (int64_t x = 0; x < w; ++x) {
        const int64_t sx = source((mirror ? w - 1 - x : x) + dx, w);
        if (sx >= 0) std::copy_n(from + (sy * w + sx) * c, c, to + (y * w + x) * c);
      }
    }
    return out;
  }

  AugmentOptions options_;
};

class Normalised final : public View {
 public:
  Normalised(DatasetPtr base, Preprocess preprocess) : View(std::move(base)), preprocess_(std::move(preprocess)) {}
  Example get(int64_t index, Rng rng) const override {
    Example example = base_->get(index, rng);
    if (example.input.dtype() == DType::kU8) example.input = preprocess_image(example.input, preprocess_);
    return example;
  }

 private:
  Preprocess preprocess_;
};

class Cached final : public View {
 public:
  Cached(DatasetPtr base, int64_t limit)
      : View(std::move(base)), limit_(limit), slots_(static_cast<size_t>(base_->size())) {}

  Example get(int64_t index, Rng rng) const override {
    const auto i = static_cast<size_t>(index);
    std::mutex& mutex = mutexes_[i % std::size(mutexes_)];
    {
      std::lock_guard lock(mutex);
      if (slots_.at(i).input.defined()) return slots_[i];
    }
    Example example = base_->get(index, rng);
    const int64_t bytes = example.input.nbytes();
    if (used_.fetch_add(bytes) + bytes > limit_) {
      used_.fetch_sub(bytes);
      return example;
    }
    std::lock_guard lock(mutex);
    if (slots_[i].input.defined()) used_.fetch_sub(bytes);
    slots_[i] = example;
    return example;
  }

 private:
  int64_t limit_;
  mutable std::atomic<int64_t> used_{0};
  mutable std::mutex mutexes_[64];
  mutable std::vector<Example> slots_;
};

/// Word-wise FNV: data sets in memory may be large.
uint64_t hash_tensor(const Tensor& tensor, uint64_t seed) {
  const std::byte* data = tensor.bytes();
  int64_t left = tensor.nbytes();
  for (; left >= 8; left -= 8, data += 8) {
    uint64_t word;
    std::memcpy(&word, data, sizeof word);
    seed = (seed ^ word) * 0x100000001b3ull;
    seed ^= seed >> 32;
  }
  return hash64({reinterpret_cast<const char*>(data), static_cast<size_t>(left)}, seed);
}

class TensorDataset final : public Dataset {
 public:
  TensorDataset(Tensor inputs, Tensor labels, std::vector<std::string> names) : inputs_(std::move(inputs)), names_(std::move(names)) {
    PARE_CHECK(inputs_.rank() >= 1, DataError, "[tensors] expected inputs [N, ...], got {}", inputs_.shape());
    if (labels.defined()) {
      PARE_CHECK(labels.rank() == 1 && labels.dim(0) == inputs_.dim(0) && !is_float(labels.dtype()), DataError,
                 "[tensors] expected {} integer labels, got {} {}", inputs_.dim(0), labels.dtype(), labels.shape());
      targets_ = labels.to_ints();
    }
    row_.assign(inputs_.shape().begin() + 1, inputs_.shape().end());
    row_bytes_ = numel_of(row_) * size_of(inputs_.dtype());
    fingerprint_ = hash_tensor(inputs_, hash64(fmt("{} {}", inputs_.dtype(), inputs_.shape())));
    if (labels.defined()) fingerprint_ = hash_tensor(labels, fingerprint_);
  }
  int64_t size() const override { return inputs_.dim(0); }
  std::vector<std::string> labels() const override { return names_; }
  uint64_t fingerprint() const override { return fingerprint_; }
  Example get(int64_t index, Rng) const override {
    PARE_CHECK(index >= 0 && index < size(), InternalError, "[tensors] expected an index below {}, got {}", size(), index);
    auto owner = std::make_shared<const Tensor>(inputs_);
    return {Tensor(inputs_.dtype(), row_, owner, inputs_.bytes() + index * row_bytes_),
            targets_.empty() ? -1 : targets_[static_cast<size_t>(index)]};
  }

 private:
  Tensor inputs_;
  std::vector<std::string> names_;
  std::vector<int64_t> targets_;
  Shape row_;
  int64_t row_bytes_ = 0;
  uint64_t fingerprint_ = 0;
};

}  // namespace

DatasetPtr subset(DatasetPtr dataset, std::vector<int64_t> indices) {
  return std::make_shared<Subset>(std::move(dataset), std::move(indices));
}

HoldoutSplit split_holdout(const DatasetPtr& dataset, int64_t count, uint64_t seed) {
  const int64_t size = dataset->size();
  PARE_CHECK(count >= 0 && count <= size, ConfigError, "[holdout] expected at most {} examples, got {}", size, count);
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), int64_t{0});
  Rng(seed).fork("holdout").shuffle(order);
  std::sort(order.begin(), order.begin() + count);
  std::sort(order.begin() + count, order.end());
  return {subset(dataset, {order.begin() + count, order.end()}), subset(dataset, {order.begin(), order.begin() + count})};
}

DatasetPtr augment(DatasetPtr dataset, const AugmentOptions& options) {
  return std::make_shared<Augmented>(std::move(dataset), options);
}

DatasetPtr normalise(DatasetPtr dataset, const Preprocess& preprocess) {
  return std::make_shared<Normalised>(std::move(dataset), preprocess);
}

DatasetPtr cached(DatasetPtr dataset, int64_t limit) { return std::make_shared<Cached>(std::move(dataset), limit); }

DatasetPtr tensor_dataset(Tensor inputs, Tensor labels, std::vector<std::string> names) {
  return std::make_shared<TensorDataset>(std::move(inputs), std::move(labels), std::move(names));
}

}  // namespace pare
