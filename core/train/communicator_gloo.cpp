#include <cstdlib>
#include <optional>
#include <string>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "core/base/error.h"
#include "core/train/communicator.h"

namespace pare {
namespace {

constexpr auto kTimeout = std::chrono::minutes(10);

class Gloo final : public Communicator {
 public:
  Gloo(const std::string& address, int port, int rank, int size) {
    c10d::TCPStoreOptions store_options;
    store_options.port = static_cast<uint16_t>(port);
    // torchrun's agent already serves the store and says so.
    const char* agent = std::getenv("TORCHELASTIC_USE_AGENT_STORE");
    store_options.isServer = rank == 0 && !(agent && std::string(agent) == "True");
    store_options.numWorkers = static_cast<size_t>(size);
    store_options.waitWorkers = false;
    store_options.timeout = kTimeout;
    store_options.multiTenant = true;
    auto store = c10::make_intrusive<c10d::TCPStore>(address, store_options);
    auto options = c10d::ProcessGroupGloo::Options::create(kTimeout);
    options->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
    group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, options);
  }
  int rank() const override { return group_->getRank(); }
  int size() const override { return group_->getSize(); }
  void all_reduce(std::vector<at::Tensor>& tensors) override {
    for (at::Tensor& tensor : tensors) {
      std::vector<at::Tensor> one = {tensor};
      wait("all_reduce", [&] { return group_->allreduce(one); });
    }
  }
  void broadcast(std::vector<at::Tensor>& tensors, int root) override {
    c10d::BroadcastOptions options;
    options.rootRank = root;
    for (at::Tensor& tensor : tensors) {
      std::vector<at::Tensor> one = {tensor};
      wait("broadcast", [&] { return group_->broadcast(one, options); });
    }
  }
  void barrier() override {
    wait("barrier", [&] { return group_->barrier(); });
  }

 private:
  template <class Start>
  void wait(const char* what, const Start& start) {
    try {
      start()->wait();
    } catch (const std::exception& error) {
      throw IoError(fmt("[communicator] {} failed on rank {}: {}", what, rank(), error.what()));
    }
  }
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
};

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  return value && *value ? std::optional<std::string>(value) : std::nullopt;
}

std::string required(const char* name) {
  const auto value = environment(name);
  PARE_CHECK(value.has_value(), ConfigError, "[communicator] WORLD_SIZE is set, so {} must be too", name);
  return *value;
}

int number(const char* name, const std::string& text, int low, int high) {
  char* end = nullptr;
  const long value = std::strtol(text.c_str(), &end, 10);
  PARE_CHECK(end != text.c_str() && *end == 0 && value >= low && value <= high, ConfigError,
             "[communicator] expected {} in [{}, {}], got \"{}\"", name, low, high, text);
  return static_cast<int>(value);
}

}  // namespace

std::unique_ptr<Communicator> communicator_from_environment() {
  const auto world = environment("WORLD_SIZE");
  if (!world) return single_communicator();
  const int size = number("WORLD_SIZE", *world, 1, 1 << 16);
  if (size == 1) return single_communicator();
  const int rank = number("RANK", required("RANK"), 0, size - 1);
  const int port = number("MASTER_PORT", required("MASTER_PORT"), 1, 65535);
  const std::string address = required("MASTER_ADDR");
  try {
    return std::make_unique<Gloo>(address, port, rank, size);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw IoError(fmt("[communicator] rank {} cannot join {}:{}: {}", rank, address, port, error.what()));
  }
}

}  // namespace pare
