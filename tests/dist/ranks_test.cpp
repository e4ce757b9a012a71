// Two processes over Gloo, started as torchrun or Slurm would: by environment variables alone.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "core/base/file.h"
#include "core/train/ranks.h"
#include "core/train/trainer.h"
#include "core/zoo/zoo.h"
#include "tests/train/support.h"

namespace pare {
namespace {

/// Sums of 128 gradients in another order, over 20 steps.
constexpr double kTolerance = 1e-5;
constexpr int kSteps = 20;

Model model_of(const std::string& name) {
  const GraphWithConstants built = zoo(name, {.seed = 4});
  return Model(built.graph, built.constants);
}

struct Enough {};

/// `kSteps` steps on all ranks together, batch 128 in all.
void train_some(Model& model, Communicator& communicator) {
  Tensor inputs = testing::random_tensor({4000, 1, 28, 28}, Rng(1)), labels(DType::kI64, {4000});
  for (int64_t i = 0; i < 4000; ++i) labels.mutable_data<int64_t>()[i] = i % 10;
  TrainConfig config;
  config.batch_size = 128;
  config.optimizer = SgdConfig{.lr = 0.02, .momentum = 0.9};
  config.schedule = ConstantSchedule{};
  config.clip_norm = 5.0;
  Trainer trainer(model, {.train = tensor_dataset(inputs, labels), .seed = 5}, config, {}, communicator,
                  {.step = [](const TrainProgress& p, const Trainer&) {
                    if (p.step == kSteps) throw Enough{};
                  }});
  EXPECT_THROW(trainer.run(), Enough);
}

std::string all_bytes(const Model& model) {
  std::string out;
  for (const Param& param : model.params()) {
    const Tensor tensor = lend(param.raw.detach());
    out.append(reinterpret_cast<const char*>(tensor.bytes()), static_cast<size_t>(tensor.nbytes()));
  }
  return out;
}

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

/// Runs `filter` of this very program as two ranks; true when both succeed.
bool run_ranks(const std::string& filter, const std::string& folder) {
  const std::string port = std::to_string(free_port());
  std::vector<pid_t> children;
  for (int rank = 0; rank < 2; ++rank) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv("WORLD_SIZE", "2", 1);
      ::setenv("RANK", std::to_string(rank).c_str(), 1);
      ::setenv("OMP_NUM_THREADS", "1", 1);  // two ranks share the cores
      ::setenv("MASTER_ADDR", "127.0.0.1", 1);
      ::setenv("MASTER_PORT", port.c_str(), 1);
      ::setenv("PARE_TEST_FOLDER", folder.c_str(), 1);
      const std::string argument = "--gtest_filter=" + filter;
      ::execl("/proc/self/exe", "test_dist", argument.c_str(), "--gtest_brief=1", "--gtest_also_run_disabled_tests",
              nullptr);
      ::_exit(127);
    }
    children.push_back(child);
  }
  bool good = true;
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  return good;
}

class Folder {
 public:
  Folder() : path(std::filesystem::temp_directory_path() / ("pare-dist-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

// The tests named DISABLED_Worker are one rank's part; the tests below start them.

TEST(Ranks, DISABLED_WorkerTrains) {
  const auto communicator = communicator_from_environment();
  ASSERT_EQ(communicator->size(), 2);
  for (const std::string name : {"mlp", "lenet5"}) {
    Model model = model_of(name);
    if (!communicator->is_main()) {
      at::NoGradGuard no_grad;
      for (const Param& param : model.params())
        at::Tensor(param.raw.detach()).zero_();  // the broadcast must repair this
    }
    train_some(model, *communicator);
    check_same_model(*communicator, model, 0);
    write_file_atomic(fmt("{}/{}.{}", std::getenv("PARE_TEST_FOLDER"), name, communicator->rank()), all_bytes(model));
  }
}

TEST(Ranks, TwoTimes64EqualsOneTimes128) {
  const Folder folder;
  ASSERT_TRUE(run_ranks("Ranks.DISABLED_WorkerTrains", folder.path));
  for (const std::string name : {"mlp", "lenet5"}) {
    const std::string first = read_file(folder.path / (name + ".0"));
    EXPECT_EQ(first, read_file(folder.path / (name + ".1"))) << name;
    Model model = model_of(name);
    const std::string start = all_bytes(model);
    train_some(model, *single_communicator());
    const std::string alone = all_bytes(model);
    ASSERT_EQ(first.size(), alone.size());
    const auto *a = reinterpret_cast<const float*>(first.data()), *b = reinterpret_cast<const float*>(alone.data()),
               *s = reinterpret_cast<const float*>(start.data());
    double worst = 0, moved = 0;
    for (size_t i = 0; i < first.size() / sizeof(float); ++i) {
      worst = std::max(worst, static_cast<double>(std::fabs(a[i] - b[i])));
      moved = std::max(moved, static_cast<double>(std::fabs(s[i] - b[i])));
    }
    EXPECT_LT(worst, kTolerance) << name;
    EXPECT_GT(moved, 100 * kTolerance) << name;  // or the comparison would say nothing
  }
}

TEST(Ranks, DISABLED_WorkerDiffers) {
  const auto communicator = communicator_from_environment();
  Model model = model_of("mlp");
  check_same_model(*communicator, model, 3);
  {
    at::NoGradGuard no_grad;
    if (!communicator->is_main()) at::Tensor(model.params().at(1).raw.detach()).view({-1})[0].add_(1e-3);
  }
  EXPECT_THROW(check_same_model(*communicator, model, 3), ModelError);
}

TEST(Ranks, DifferentWeightsStopEveryRank) {
  const Folder folder;
  EXPECT_TRUE(run_ranks("Ranks.DISABLED_WorkerDiffers", folder.path));
}

TEST(Ranks, DISABLED_WorkerReduces) {
  const auto communicator = communicator_from_environment();
  const auto mine = static_cast<float>(communicator->rank() + 1);
  std::vector<at::Tensor> tensors;
  for (int64_t size : {3, 7'000'000, 1, 5})  // the second fills a bucket alone
    tensors.push_back(borrow(Tensor::of<float>(std::vector<float>(static_cast<size_t>(size), mine), {size})).clone());
  all_reduce_weighted(*communicator, tensors, communicator->is_main() ? 0.25 : 0.75);
  for (const at::Tensor& tensor : tensors) {
    EXPECT_EQ(tensor.min().item<float>(), 1.75f);
    EXPECT_EQ(tensor.max().item<float>(), 1.75f);
  }
  communicator->barrier();
}

TEST(Ranks, BucketsSumWeighted) {
  const Folder folder;
  EXPECT_TRUE(run_ranks("Ranks.DISABLED_WorkerReduces", folder.path));
}

}  // namespace
}  // namespace pare
