#include "core/data/loader.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

#include "core/base/error.h"

namespace pare {
namespace {

void copy_row(const Example& example, size_t row, int64_t index, Batch& batch) {
  const Tensor& first = batch.inputs;
  const Tensor& input = example.input;
  const Shape expected(first.shape().begin() + 1, first.shape().end());
  PARE_CHECK(input.dtype() == first.dtype() && input.shape() == expected, DataError,
             "[loader] expected every example {} {}, got {} {} (example {}). Set `size` to resize images", first.dtype(),
             expected, input.dtype(), input.shape(), index);
  std::memcpy(batch.inputs.mutable_bytes() + row * static_cast<size_t>(input.nbytes()), input.bytes(),
              static_cast<size_t>(input.nbytes()));
  batch.labels.mutable_data<int64_t>()[row] = example.label;
}

}  // namespace

struct Loader::Impl {
  /// A finished batch, or why there is none.
  struct Slot {
    Batch batch;
    std::exception_ptr error;
  };

  DatasetPtr dataset;
  LoaderOptions options;

  std::mutex mutex;
  std::condition_variable work, done;
  std::vector<std::thread> workers;
  std::map<int64_t, Slot> ready;
  std::vector<int64_t> order;     // of the epoch, all ranks
  int64_t epoch = 0;
  int64_t claimed = 0;            // next batch that a worker takes
  int64_t delivered = 0;          // next batch that `next` returns
  int64_t busy = 0;
  bool stop = false;

  /// Rows of the global batch that belong to this rank.
  std::vector<int64_t> rows(int64_t batch) const {
    const int64_t global = options.batch_size * options.ranks;
    const int64_t end = std::min(static_cast<int64_t>(order.size()), (batch + 1) * global);
    std::vector<int64_t> out;
    for (int64_t i = batch * global + options.rank; i < end; i += options.ranks) out.push_back(order[static_cast<size_t>(i)]);
    return out;
  }

  int64_t batches() const {
    const int64_t global = options.batch_size * options.ranks, rest = dataset->size() % global;
    // A last batch that leaves a rank without rows would stall the others.
    const bool keep_rest = !options.drop_last && rest >= options.ranks;
    return dataset->size() / global + (keep_rest ? 1 : 0);
  }

  Batch load(const std::vector<int64_t>& indices, int64_t of_epoch) const {
    const Rng stream = Rng(options.seed).fork("sample").fork(static_cast<uint64_t>(of_epoch));
    Batch batch;
    batch.indices = indices;
    for (size_t row = 0; row < indices.size(); ++row) {
      const Example example = dataset->get(indices[row], stream.fork(static_cast<uint64_t>(indices[row])));
      if (row == 0) {
        Shape shape = example.input.shape();
        shape.insert(shape.begin(), static_cast<int64_t>(indices.size()));
        batch.inputs = Tensor(example.input.dtype(), shape);
        batch.labels = Tensor(DType::kI64, {static_cast<int64_t>(indices.size())});
      }
      copy_row(example, row, indices[row], batch);
    }
    return batch;
  }

  bool has_work() const { return claimed < batches() && claimed < delivered + options.prefetch; }

  void run_worker() {
    std::unique_lock lock(mutex);
    for (;;) {
      work.wait(lock, [&] { return stop || has_work(); });
      if (stop) return;
      const int64_t index = claimed++, of_epoch = epoch;
      const auto indices = rows(index);
      ++busy;
      lock.unlock();
      Slot slot;
      try {
        slot.batch = load(indices, of_epoch);
      } catch (...) {
        slot.error = std::current_exception();
      }
      lock.lock();
      --busy;
      ready[index] = std::move(slot);
      done.notify_all();
    }
  }

  void shuffle(int64_t of_epoch) {
    order.resize(static_cast<size_t>(dataset->size()));
    std::iota(order.begin(), order.end(), int64_t{0});
    if (options.shuffle) Rng(options.seed).fork("order").fork(static_cast<uint64_t>(of_epoch)).shuffle(order);
  }
};

Loader::Loader(DatasetPtr dataset, LoaderOptions options) : impl_(std::make_unique<Impl>()) {
  PARE_CHECK(options.batch_size >= 1 && options.threads >= 1 && options.prefetch >= 1, ConfigError,
             "[loader] expected batch_size, threads and prefetch >= 1, got {}, {} and {}", options.batch_size, options.threads,
             options.prefetch);
  PARE_CHECK(options.ranks >= 1 && options.rank >= 0 && options.rank < options.ranks, ConfigError,
             "[loader] expected a rank below {}, got {}", options.ranks, options.rank);
  impl_->dataset = std::move(dataset);
  impl_->options = options;
  impl_->claimed = impl_->delivered = impl_->batches();  // nothing to do before `start`
  for (int i = 0; i < options.threads; ++i) impl_->workers.emplace_back([impl = impl_.get()] { impl->run_worker(); });
}

Loader::~Loader() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->work.notify_all();
  for (auto& worker : impl_->workers) worker.join();
}

int64_t Loader::batches() const { return impl_->batches(); }

void Loader::start(int64_t epoch, int64_t first_batch) {
  Impl& impl = *impl_;
  std::unique_lock lock(impl.mutex);
  impl.claimed = impl.batches();  // no new work while the old finishes
  impl.done.wait(lock, [&] { return impl.busy == 0; });
  impl.ready.clear();
  impl.epoch = epoch;
  impl.shuffle(epoch);
  impl.claimed = impl.delivered = first_batch;
  impl.work.notify_all();
}

bool Loader::next(Batch& out) {
  Impl& impl = *impl_;
  std::unique_lock lock(impl.mutex);
  if (impl.delivered >= impl.batches()) return false;
  impl.done.wait(lock, [&] { return impl.ready.count(impl.delivered) != 0; });
  Loader::Impl::Slot slot = std::move(impl.ready.extract(impl.delivered).mapped());
  ++impl.delivered;
  impl.work.notify_all();
  lock.unlock();
  if (slot.error) std::rethrow_exception(slot.error);
  out = std::move(slot.batch);
  return true;
}

}  // namespace pare
