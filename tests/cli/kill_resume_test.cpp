// A run that is killed anywhere and started again ends with the same model.pare, byte for byte.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "core/base/file.h"
#include "core/base/rng.h"
#include "tests/cli/program.h"

namespace pare {
namespace {
namespace fs = std::filesystem;

constexpr int kRandomKills = 20;
// How long a process lives, as shares of an undisturbed run; each kill lengthens the next life of the same run, so that
// start-up cannot eat it all on a busy machine.
constexpr double kShortestLife = 0.05, kLongestLife = 0.4, kLongerEachTime = 1.15;

/// A recipe of all stages. Training lasts long enough for the random kills; checkpoints are frequent.
std::vector<std::string> arguments(const std::string& folder, int images, int epochs, int checkpoint_steps) {
  return {"run",
          "configs/mnist_lenet5.yaml",
          "--threads",
          "1",
          "--log-level",
          "error",
          "-o",
          folder,
          "data.train.limit=" + std::to_string(images),
          "data.train.holdout=100",
          "data.eval.limit=100",
          "stages.0.train.epochs=" + std::to_string(epochs),
          "stages.0.train.checkpoint.steps=" + std::to_string(checkpoint_steps),
          "stages.2.train.checkpoint.steps=" + std::to_string(checkpoint_steps),
          "stages.quant.ptq.calibration.samples=64",
          "stages.export.verify.samples=32"};
}

std::string finished_model(const std::string& folder) { return read_file(folder + "/artifact/model.pare"); }

TEST(KillResume, AtEveryFsyncAndRename) {
  const TemporaryFolder folder;
  ProgramOptions count;
  count.environment = {{"LD_PRELOAD", PARE_KILL_LIBRARY}, {"PARE_COUNT_FILE", folder.file("count")}};
  const auto plain = run_pare(arguments(folder.file("plain"), 400, 1, 3), count);
  ASSERT_EQ(plain.status, 0) << plain.err;
  const std::string wanted = finished_model(folder.file("plain"));
  const int calls = std::stoi(read_file(folder.file("count")));
  ASSERT_GT(calls, 30);
  for (int n = 1; n <= calls; ++n) {
    const std::string run = folder.file("killed");
    fs::remove_all(run);
    ProgramOptions kill;
    kill.environment = {{"LD_PRELOAD", PARE_KILL_LIBRARY}, {"PARE_KILL_AT", std::to_string(n)}};
    const auto killed = run_pare(arguments(run, 400, 1, 3), kill);
    ASSERT_EQ(killed.signal, SIGKILL) << "call " << n << ": " << killed.err;
    const auto resumed = run_pare(arguments(run, 400, 1, 3));
    ASSERT_EQ(resumed.status, 0) << "call " << n << ": " << resumed.err;
    ASSERT_EQ(finished_model(run), wanted) << "killed at call " << n << " of " << calls;
  }
}

TEST(KillResume, AtRandomMoments) {
  const TemporaryFolder folder;
  const auto start = std::chrono::steady_clock::now();
  const auto plain = run_pare(arguments(folder.file("plain"), 8000, 6, 20));
  const double undisturbed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ASSERT_EQ(plain.status, 0) << plain.err;
  const std::string wanted = finished_model(folder.file("plain"));
  Rng rng(20);
  int kills = 0;
  while (kills < kRandomKills) {
    const std::string run = folder.file("killed");
    fs::remove_all(run);
    double life = undisturbed;
    for (bool done = false; !done; life *= kLongerEachTime) {
      ProgramOptions kill;
      kill.kill_after = life * (kShortestLife + rng.uniform() * (kLongestLife - kShortestLife));
      const auto result = run_pare(arguments(run, 8000, 6, 20), kill);
      done = result.signal != SIGKILL;
      kills += !done;
      ASSERT_TRUE(!done || result.status == 0) << result.err;
    }
    ASSERT_EQ(finished_model(run), wanted) << "after " << kills << " kills";
  }
}

}  // namespace
}  // namespace pare
