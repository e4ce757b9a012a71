#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace pare {

/// A fixed set of threads with a static schedule: [0, count) is cut into one contiguous part a thread. Kernels compute
/// every output element inside one index, so results do not depend on the number of threads. One caller at a time.
class ThreadPool {
 public:
  /// `threads` in [1, 256], the caller's own included. Throws ConfigError outside that range.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  int threads() const;
  /// From now on parts are at most so many, in [1, threads()].
  void limit(int parts);

  /// While it lives and is `wanted`, threads that wait for a part spin for a fraction of a millisecond before they sleep:
  /// waking a sleeping one takes longer than many parts do.
  class Awake {
   public:
    Awake(ThreadPool& pool, bool wanted);
    ~Awake();
    Awake(const Awake&) = delete;
    Awake& operator=(const Awake&) = delete;

   private:
    ThreadPool* pool_;
  };

  /// Calls body(begin, end, thread) for the parts; parts hold at least `grain` indices. Rethrows what the body of the
  /// lowest part threw, after all parts have ended. Nothing is allocated.
  template <class Body>
  void parallel(int64_t count, int64_t grain, Body&& body) {
    using Plain = std::remove_reference_t<Body>;
    run(count, grain, &body, [](void* self, int64_t begin, int64_t end, int thread) {
      (*static_cast<Plain*>(self))(begin, end, thread);
    });
  }

 private:
  using Entry = void (*)(void* body, int64_t begin, int64_t end, int thread);
  void run(int64_t count, int64_t grain, void* body, Entry entry);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pare
