#include "core/runtime/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

#include "core/base/error.h"

namespace pare {

namespace {

// Pauses between offers of the core to other threads, and such rounds before a thread sleeps: a few hundred microseconds.
constexpr int kPauses = 64, kRounds = 256;

void pause_core() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Whether `ready` came true in time.
template <class Ready>
bool spin_until(Ready&& ready) {
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kPauses; ++i) {
      if (ready()) return true;
      pause_core();
    }
    std::this_thread::yield();
  }
  return ready();
}

}  // namespace

struct ThreadPool::Impl {
  std::vector<std::thread> workers;
  std::vector<std::exception_ptr> errors;
  std::atomic<uint32_t> generation{0};  // of jobs
  std::atomic<uint32_t> calls{0};       // what sleepers wait for: jobs, and that `awake` became true
  std::atomic<int> pending{0};
  std::atomic<bool> awake{false};
  bool stopping = false;
  int64_t most_parts = 1;
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

  void await_job(uint32_t seen) {
    const auto came = [&] { return generation.load(std::memory_order_acquire) != seen; };
    while (true) {
      const uint32_t call = calls.load(std::memory_order_acquire);  // before the look at what it announces
      if (awake.load(std::memory_order_acquire)) {
        spin_until([&] { return came() || !awake.load(std::memory_order_acquire); });
      }
      if (came()) return;
      calls.wait(call, std::memory_order_acquire);
    }
  }

  void work(int thread) {
    for (uint32_t seen = 0;; ++seen) {
      await_job(seen);
      if (stopping) return;
      run_part(thread);
      if (pending.fetch_sub(1, std::memory_order_acq_rel) == 1) pending.notify_one();
    }
  }

  void call_workers() {
    calls.fetch_add(1, std::memory_order_release);
    calls.notify_all();
  }

  void start_generation() {
    generation.fetch_add(1, std::memory_order_release);
    call_workers();
  }

  void await_parts() {
    if (spin_until([&] { return pending.load(std::memory_order_acquire) == 0; })) return;
    for (int left = pending.load(std::memory_order_acquire); left != 0; left = pending.load(std::memory_order_acquire)) {
      pending.wait(left, std::memory_order_acquire);
    }
  }
};

ThreadPool::ThreadPool(int threads) : impl_(std::make_unique<Impl>()) {
  PARE_CHECK(threads >= 1 && threads <= 256, ConfigError, "[threads] expected 1 to 256, got {}", threads);
  impl_->errors.resize(static_cast<size_t>(threads));
  impl_->most_parts = threads;
  for (int i = 1; i < threads; ++i) impl_->workers.emplace_back([impl = impl_.get(), i] { impl->work(i); });
}

ThreadPool::~ThreadPool() {
  impl_->stopping = true;
  impl_->start_generation();
  for (std::thread& worker : impl_->workers) worker.join();
}

int ThreadPool::threads() const { return static_cast<int>(impl_->errors.size()); }

void ThreadPool::limit(int parts) { impl_->most_parts = std::clamp(parts, 1, threads()); }

ThreadPool::Awake::Awake(ThreadPool& pool, bool wanted) : pool_(wanted && pool.threads() > 1 ? &pool : nullptr) {
  if (!pool_) return;
  pool_->impl_->awake.store(true, std::memory_order_release);
  pool_->impl_->call_workers();
}

ThreadPool::Awake::~Awake() {
  if (pool_) pool_->impl_->awake.store(false, std::memory_order_release);
}

void ThreadPool::run(int64_t count, int64_t grain, void* body, Entry entry) {
  if (count <= 0) return;
  const int64_t wanted = std::max<int64_t>(1, count / std::max<int64_t>(grain, 1));
  const int64_t parts = std::min(impl_->most_parts, wanted);
  if (parts == 1) return entry(body, 0, count, 0);
  Impl& impl = *impl_;
  impl.count = count;
  impl.parts = parts;
  impl.body = body;
  impl.entry = entry;
  impl.pending.store(threads() - 1, std::memory_order_relaxed);
  impl.start_generation();
  impl.run_part(0);
  impl.await_parts();
  std::exception_ptr first;
  for (std::exception_ptr& error : impl.errors) {
    if (error && !first) first = error;
    error = nullptr;
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace pare
