// A run in several processes is the run in one, and a run notices when a file that its stages name has changed.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/file.h"
#include "tests/cli/program.h"

namespace pare {
namespace {
namespace fs = std::filesystem;

constexpr const char* kPrune = "prune.structured: {target: {macs: 0.5}}";
constexpr const char* kExport = "export: {formats: [pare, onnx, safetensors], strip: true, verify: {samples: 32}}";

class Steps : public ::testing::Test {
 protected:
  void SetUp() override {
    teacher_ = teacher("teacher", 1);
    train_ = "train: {epochs: 1, batch_size: 32, with: [{distill.kd: {teacher: " + teacher_ + "}}]}";
  }

  /// Runs a recipe of these stages in the folder `name`.
  ProgramResult run(const std::string& name, const std::string& model, const std::vector<std::string>& stages) const {
    std::string text = "pare: 1\nname: steps\nseed: 5\nmodel: " + model + "\ndata:\n  train: {idx: " +
                       fs::absolute("examples/data/mnist").string() + ", limit: 400, holdout: 100}\nstages:\n";
    for (const auto& stage : stages) text += "  - " + stage + "\n";
    const std::string recipe = folder_.write("recipe.yaml", text);
    const ProgramResult result = run_pare({"run", recipe, "--threads", "1", "-o", folder_.file(name)});
    EXPECT_EQ(result.status, 0) << name << ": " << result.err;
    return result;
  }
  std::string teacher(const std::string& name, int seed) const {
    run(name, "{zoo: lenet5, seed: " + std::to_string(seed) + "}", {"export: {formats: [pare], verify: {samples: 8}}"});
    return artifact(name, "model.pare");
  }
  std::string artifact(const std::string& run, const std::string& file) const {
    return folder_.file(run + "/artifact/" + file);
  }
  void expect_equal_artifacts(const std::string& a, const std::string& b) const {
    for (const char* file : {"model.pare", "model.onnx", "model.safetensors"})
      EXPECT_TRUE(read_file(artifact(a, file)) == read_file(artifact(b, file))) << file << " of " << a << " and " << b;
  }

  TemporaryFolder folder_;
  std::string teacher_, train_;
};

TEST_F(Steps, PruneThenDistilInANewProcessEqualsTheRunInOne) {
  run("whole", "{zoo: lenet5}", {kPrune, train_, kExport});

  run("first", "{zoo: lenet5}", {kPrune});
  const std::string saved = folder_.file("first/stages/0-prune.structured/model.checkpoint");
  // Random streams follow a stage's place: `eval` changes nothing and stands where the pruning stood.
  run("second", "{checkpoint: " + saved + "}", {"eval", train_, kExport});
  expect_equal_artifacts("whole", "second");

  const auto continued = run("first", "{zoo: lenet5}", {kPrune, train_, kExport});
  EXPECT_NE(continued.err.find("stage 1/3: prune.structured (done before)"), std::string::npos) << continued.err;
  expect_equal_artifacts("whole", "first");
}

TEST_F(Steps, AnotherTeacherUnderTheSameNameTrainsAgain) {
  run("run", "{zoo: lenet5}", {kPrune, train_, kExport});
  const std::string before = read_file(artifact("run", "model.pare"));
  const auto same = run("run", "{zoo: lenet5}", {kPrune, train_, kExport});
  EXPECT_NE(same.err.find("stage 2/3: train (done before)"), std::string::npos) << same.err;

  fs::copy_file(teacher("other", 2), teacher_, fs::copy_options::overwrite_existing);
  const auto changed = run("run", "{zoo: lenet5}", {kPrune, train_, kExport});
  EXPECT_NE(changed.err.find("stage 1/3: prune.structured (done before)"), std::string::npos) << changed.err;
  EXPECT_EQ(changed.err.find("stage 2/3: train (done before)"), std::string::npos) << changed.err;
  EXPECT_NE(read_file(artifact("run", "model.pare")), before);
}

}  // namespace
}  // namespace pare
