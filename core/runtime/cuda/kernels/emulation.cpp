#include "core/runtime/cuda/kernels/emulation.h"

#include <ucontext.h>

#include <cstdlib>
#include <memory>
#include <vector>

namespace pare::cuda::emulation {

Position position;

namespace {

constexpr size_t kStackBytes = 64 << 10;
constexpr int kWarp = 32;

enum class State { kReady, kWarp, kBlock, kDone };

struct Fiber {
  ucontext_t context{};
  std::unique_ptr<char[]> stack;
  State state = State::kReady;
  int exchanges = 0;
};

struct Scheduler {
  ucontext_t own{};
  std::vector<Fiber> fibers;
  std::vector<std::array<Exchange, 2>> exchanges;   // one pair a warp
  const std::function<void()>* body = nullptr;
};

Scheduler scheduler;

void fiber_main() {
  (*scheduler.body)();
  Fiber& self = scheduler.fibers[static_cast<size_t>(position.thread)];
  self.state = State::kDone;
  swapcontext(&self.context, &scheduler.own);
}

void wait_in(State state) {
  Fiber& self = scheduler.fibers[static_cast<size_t>(position.thread)];
  self.state = state;
  swapcontext(&self.context, &scheduler.own);
}

void prepare(int threads) {
  if (scheduler.fibers.size() < static_cast<size_t>(threads)) scheduler.fibers.resize(static_cast<size_t>(threads));
  scheduler.exchanges.resize(static_cast<size_t>((threads + kWarp - 1) / kWarp));
  for (int t = 0; t < threads; ++t) {
    Fiber& fiber = scheduler.fibers[static_cast<size_t>(t)];
    if (!fiber.stack) fiber.stack = std::make_unique<char[]>(kStackBytes);
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, fiber_main, 0);
    fiber.state = State::kReady;
    fiber.exchanges = 0;
  }
}

bool all_wait(int begin, int end, State state) {
  bool waits = false;
  for (int t = begin; t < end; ++t) {
    const State now = scheduler.fibers[static_cast<size_t>(t)].state;
    if (now != state && now != State::kDone) return false;
    waits |= now == state;
  }
  return waits;
}

bool release(int begin, int end, State state) {
  if (!all_wait(begin, end, state)) return false;
  for (int t = begin; t < end; ++t) {
    Fiber& fiber = scheduler.fibers[static_cast<size_t>(t)];
    if (fiber.state == state) fiber.state = State::kReady;
  }
  return true;
}

void run_cooperative_block(int threads) {
  prepare(threads);
  for (bool progress = true; progress;) {
    for (int t = 0; t < threads; ++t) {
      Fiber& fiber = scheduler.fibers[static_cast<size_t>(t)];
      if (fiber.state != State::kReady) continue;
      position.thread = t;
      swapcontext(&scheduler.own, &fiber.context);
    }
    progress = release(0, threads, State::kBlock);
    for (int w = 0; w < threads; w += kWarp) progress |= release(w, w + kWarp < threads ? w + kWarp : threads, State::kWarp);
  }
  for (int t = 0; t < threads; ++t) {
    if (scheduler.fibers[static_cast<size_t>(t)].state != State::kDone) std::abort();   // a deadlock on a GPU, too
  }
}

}  // namespace

void wait_for_block() { wait_in(State::kBlock); }
void wait_for_warp() { wait_in(State::kWarp); }

Exchange& next_exchange() {
  const auto thread = static_cast<size_t>(position.thread);
  return scheduler.exchanges[thread / kWarp][static_cast<size_t>(scheduler.fibers[thread].exchanges++ % 2)];
}

void run(Grid grid, int threads, bool cooperative, const std::function<void()>& body) {
  scheduler.body = &body;
  position = {0, threads, {}, grid};
  for (int64_t z = 0; z < grid.z; ++z) {
    for (int64_t y = 0; y < grid.y; ++y) {
      for (int64_t x = 0; x < grid.x; ++x) {
        position.block = {x, y, z};
        if (cooperative) {
          run_cooperative_block(threads);
        } else {
          for (position.thread = 0; position.thread < threads; ++position.thread) body();
        }
      }
    }
  }
}

}  // namespace pare::cuda::emulation
