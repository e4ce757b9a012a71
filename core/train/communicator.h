#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

namespace pare {

/// Collective operations among the ranks of one job.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// In-place sum over ranks.
  virtual void all_reduce(std::vector<at::Tensor>& tensors) = 0;
  /// In-place copy of `root`'s tensors to all.
  virtual void broadcast(std::vector<at::Tensor>& tensors, int root = 0) = 0;
  virtual void barrier() = 0;
  bool is_main() const { return rank() == 0; }
};

/// One process alone: every operation is the identity.
std::unique_ptr<Communicator> single_communicator();
/// c10d Gloo from RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT (as torchrun, Slurm or MPI wrappers set them);
/// the single communicator when WORLD_SIZE is absent or 1. Throws ConfigError on an incomplete environment.
std::unique_ptr<Communicator> communicator_from_environment();

}  // namespace pare
