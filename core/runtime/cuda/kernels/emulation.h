#pragma once
// Blocks and threads on the host. Threads that never wait run as loops; those of cooperative kernels are fibers, which a
// scheduler resumes once all that they wait for have arrived. One launch at a time.

#include <cstdint>
#include <functional>

namespace pare::cuda {

struct Grid {
  int64_t x = 1, y = 1, z = 1;
};

namespace emulation {

struct Position {
  int thread = 0, threads = 1;
  Grid block, grid;
};
extern Position position;

/// Runs `body` for every thread of every block.
void run(Grid grid, int threads, bool cooperative, const std::function<void()>& body);
/// Waits for all threads of the block, or all lanes of the warp.
void wait_for_block();
void wait_for_warp();

/// What the lanes of a warp show each other; two sets, because a lane may be one exchange ahead.
struct Exchange {
  int32_t values[32][8];
};
Exchange& next_exchange();

}  // namespace emulation

inline int thread_index() { return emulation::position.thread; }
inline int block_size() { return emulation::position.threads; }
inline int64_t block_x() { return emulation::position.block.x; }
inline int64_t block_y() { return emulation::position.block.y; }
inline int64_t block_z() { return emulation::position.block.z; }
inline int64_t grid_x() { return emulation::position.grid.x; }
inline void sync_block() { emulation::wait_for_block(); }

using Stream = int;

template <class... Params, class... Arguments>
void launch(Stream, Grid grid, int threads, bool cooperative, void (*kernel)(Params...), Arguments... arguments) {
  emulation::run(grid, threads, cooperative, [&] { kernel(arguments...); });
}

}  // namespace pare::cuda
