#include "core/train/communicator.h"

namespace pare {
namespace {

class Single final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void all_reduce(std::vector<at::Tensor>&) override {}
  void broadcast(std::vector<at::Tensor>&, int) override {}
  void barrier() override {}
};

}  // namespace

std::unique_ptr<Communicator> single_communicator() { return std::make_unique<Single>(); }

}  // namespace pare
