#include "core/runtime/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

#include "core/base/error.h"

namespace pare {

struct ThreadPool::Impl {
  std::vector<std::thread> workers;
  std::vector<std::exception_ptr> errors;
  std::atomic<uint32_t> generation{0};
  std::atomic<int> pending{0};
  bool stopping = false;
  // The job of the current generation; written before `generation` moves on.
  int64_t count = 0;
  int64_t parts = 0;
  void* body = nullptr;
  Entry entry = nullptr;

  void run_part(int thread) {
    if (thread >= parts) return;
    try {
      entry(body, count * thread / parts, count * (thread + 1) / parts, thread);
    } catch (...) {
      errors[static_cast<size_t>(thread)] = std::current_exception();
    }
  }

  void work(int thread) {
    uint32_t seen = 0;
    while (true) {
      generation.wait(seen, std::memory_order_acquire);
      seen = generation.load(std::memory_order_acquire);
      if (stopping) return;
      run_part(thread);
      if (pending.fetch_sub(1, std::memory_order_acq_rel) == 1) pending.notify_one();
    }
  }

  void start_generation() {
    generation.fetch_add(1, std::memory_order_release);
    generation.notify_all();
  }
};

ThreadPool::ThreadPool(int threads) : impl_(std::make_unique<Impl>()) {
  PARE_CHECK(threads >= 1 && threads <= 256, ConfigError, "[threads] expected 1 to 256, got {}", threads);
  impl_->errors.resize(static_cast<size_t>(threads));
  for (int i = 1; i < threads; ++i) impl_->workers.emplace_back([impl = impl_.get(), i] { impl->work(i); });
}

ThreadPool::~ThreadPool() {
  impl_->stopping = true;
  impl_->start_generation();
  for (std::thread& worker : impl_->workers) worker.join();
}

int ThreadPool::threads() const { return static_cast<int>(impl_->errors.size()); }

void ThreadPool::run(int64_t count, int64_t grain, void* body, Entry entry) {
  if (count <= 0) return;
  const int64_t wanted = std::max<int64_t>(1, count / std::max<int64_t>(grain, 1));
  const int64_t parts = std::min<int64_t>(threads(), wanted);
  if (parts == 1) return entry(body, 0, count, 0);
  Impl& impl = *impl_;
  impl.count = count;
  impl.parts = parts;
  impl.body = body;
  impl.entry = entry;
  impl.pending.store(threads() - 1, std::memory_order_relaxed);
  impl.start_generation();
  impl.run_part(0);
  for (int left = impl.pending.load(std::memory_order_acquire); left != 0;
       left = impl.pending.load(std::memory_order_acquire)) {
    impl.pending.wait(left, std::memory_order_acquire);
  }
  std::exception_ptr first;
  for (std::exception_ptr& error : impl.errors) {
    if (error && !first) first = error;
    error = nullptr;
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace pare
