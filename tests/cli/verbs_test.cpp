// Every verb of the command line on LeNet-5 and a part of MNIST.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/config_write.h"
#include "core/base/file.h"
#include "tests/cli/program.h"

namespace pare {
namespace {
namespace fs = std::filesystem;

/// Arguments that shrink the MNIST recipe to a second or two of training.
const std::vector<std::string> kSmall = {
    "data.train.limit=3000",          "data.train.holdout=200",       "data.eval.limit=300",
    "stages.0.train.epochs=1",        "stages.0.train.batch_size=16", "stages.0.train.optimizer.sgd.lr=0.02",
    "stages.export.verify.samples=64"};

std::vector<std::string> with_small(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), kSmall.begin(), kSmall.end());
  return arguments;
}

Json parse(const ProgramResult& result) {
  const Json json = Json::parse(result.out, nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << "no JSON: " << result.out << result.err;
  return json;
}

/// One finished run that the tests below look at.
class Verbs : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    run_ = run_pare(with_small({"run", "configs/mnist_lenet5.yaml", "--json", "--threads", "1", "-o", output()}));
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::string output() { return folder_->file("run"); }
  static TemporaryFolder* folder_;
  static ProgramResult run_;
};
TemporaryFolder* Verbs::folder_ = nullptr;
ProgramResult Verbs::run_;

TEST_F(Verbs, RunLeavesAVerifiedArtifactAndAReport) {
  ASSERT_EQ(run_.status, 0) << run_.err;
  const Json result = parse(run_);
  EXPECT_EQ(result["report"]["after"]["images"], 300);
  EXPECT_LT(result["report"]["after"]["bytes"].get<int64_t>() * 3, result["report"]["before"]["bytes"].get<int64_t>())
      << "half of the multiply-accumulates, a quarter of the bits";
  EXPECT_GT(result["report"]["after"]["top1"].get<double>(), 0.5) << "trained on 2,800 images";
  for (const char* name :
       {"artifact/model.pare", "artifact/model.onnx", "artifact/model.safetensors", "artifact/golden.safetensors",
        "artifact/manifest.json", "report.json", "report.html", "recipe.json"})
    EXPECT_TRUE(fs::exists(output() + "/" + name)) << name;
  const Json manifest = Json::parse(read_file(output() + "/artifact/manifest.json"));
  EXPECT_EQ(manifest["verified"], true);
}

TEST_F(Verbs, ASecondRunDoesNothingAgain) {
  const std::string before = read_file(output() + "/artifact/model.pare");
  const auto again =
      run_pare(with_small({"run", "configs/mnist_lenet5.yaml", "--resume", "--threads", "1", "-o", output()}));
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_NE(again.err.find("stage 1/6: train (done before)"), std::string::npos) << again.err;
  EXPECT_NE(again.err.find("stage 6/6: export (done before)"), std::string::npos) << again.err;
  EXPECT_NE(again.out.find("top-1"), std::string::npos) << again.out;
  EXPECT_EQ(read_file(output() + "/artifact/model.pare"), before);
}

TEST_F(Verbs, AChangedStageRunsAgainFromThere) {
  const auto changed = run_pare(with_small({"run", "configs/mnist_lenet5.yaml", "--threads", "1", "-o", output(),
                                            "stages.quant.ptq.bias_correction=false"}));
  ASSERT_EQ(changed.status, 0) << changed.err;
  EXPECT_NE(changed.err.find("stage 3/6: train (done before)"), std::string::npos) << changed.err;
  EXPECT_EQ(changed.err.find("stage 5/6: quant.ptq (done before)"), std::string::npos) << changed.err;
}

TEST_F(Verbs, PlanSaysWhatEveryStageWouldDo) {
  const auto text = run_pare(with_small({"plan", "configs/mnist_lenet5.yaml"}));
  ASSERT_EQ(text.status, 0) << text.err;
  EXPECT_NE(text.out.find("6. export"), std::string::npos) << text.out;
  const auto json = run_pare(with_small({"plan", "configs/mnist_lenet5.yaml", "--json", "--seed", "5"}));
  EXPECT_EQ(parse(json)["stages"].size(), 6u);
  EXPECT_EQ(parse(json)["recipe"]["seed"], 5);
  EXPECT_EQ(parse(json)["stages"][0]["config"]["epochs"], 1);
}

TEST_F(Verbs, EvalMeasuresModelsAndFiles) {
  const auto torch = run_pare(with_small({"eval", "configs/mnist_lenet5.yaml", "--json"}));
  ASSERT_EQ(torch.status, 0) << torch.err;
  EXPECT_EQ(parse(torch)["images"], 300);
  const Json pare = parse(
      run_pare(with_small({"eval", "configs/mnist_lenet5.yaml", "--json", "-m", output() + "/artifact/model.pare"})));
  const Json onnx = parse(
      run_pare(with_small({"eval", "configs/mnist_lenet5.yaml", "--json", "-m", output() + "/artifact/model.onnx"})));
  EXPECT_EQ(pare["by"], "executor");
  EXPECT_EQ(pare["correct"], onnx["correct"]);
  const auto holdout = run_pare(with_small({"eval", "configs/mnist_lenet5.yaml", "--split", "holdout"}));
  EXPECT_NE(holdout.out.find("200 holdout images"), std::string::npos) << holdout.out << holdout.err;
}

TEST_F(Verbs, SensitivityMeasuresEveryGroupAndContinues) {
  const std::string folder = folder_->file("sensitivity"), path = folder + "/sensitivity.json";
  const auto measure = [&](const std::string& shares) {
    return run_pare(with_small({"sensitivity", "configs/mnist_lenet5.yaml", "--json", "--images", "100", "--threads", "1", "-o",
                                folder, "--shares", shares}));
  };
  Json first = parse(measure("0.5,0.75"));
  EXPECT_EQ(first["images"], 100);
  ASSERT_GE(first["groups"].size(), 3u);
  for (const Json& group : first["groups"]) EXPECT_EQ(group["points"].size(), 2u) << group["name"];
  EXPECT_NE(read_file(folder + "/sensitivity.html").find("<svg"), std::string::npos);

  first["groups"][0]["points"][0]["loss"] = 123.0;  // a stopped command's figures are taken over
  first["groups"].erase(2);
  write_file_atomic(path, first.dump());
  const Json again = parse(measure("0.5,0.75"));
  EXPECT_EQ(again["groups"][0]["points"][0]["loss"], 123.0);
  EXPECT_EQ(again["groups"].size(), first["groups"].size() + 1);
  EXPECT_NE(parse(measure("0.5"))["groups"][0]["points"][0]["loss"], 123.0) << "another question";
  EXPECT_EQ(measure("0.75,0.5").status, 2);
  write_file_atomic(path, "{\"key\": ");
  const auto broken = measure("0.5");
  EXPECT_NE(broken.status, 0);
  EXPECT_NE(broken.err.find(path), std::string::npos) << broken.err;
}

TEST_F(Verbs, InspectShowsFilesZooModelsAndCheckpoints) {
  const auto pare = run_pare({"inspect", output() + "/artifact/model.pare", "--layers", "--kernels", "--json"});
  ASSERT_EQ(pare.status, 0) << pare.err;
  EXPECT_EQ(parse(pare)["model"]["kind"], "pare");
  EXPECT_FALSE(parse(pare)["kernels"].empty());
  const auto zoo = run_pare({"inspect", "resnet20", "--groups", "--json"});
  ASSERT_EQ(zoo.status, 0) << zoo.err;
  EXPECT_EQ(parse(zoo)["model"]["params"], 269722);
  EXPECT_FALSE(parse(zoo)["groups"]["groups"].empty());
  const auto checkpoint = run_pare({"inspect", output() + "/stages/0-train/model.checkpoint"});
  ASSERT_EQ(checkpoint.status, 0) << checkpoint.err;
  EXPECT_NE(checkpoint.out.find("checkpoint"), std::string::npos);
}

TEST_F(Verbs, BenchTimesEveryNode) {
  const std::string model = output() + "/artifact/model.pare";
  const auto result = run_pare({"bench", model, "--threads", "1", "--isa", "scalar", "--dim", "N=2", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json bench = parse(result);
  EXPECT_EQ(bench["isa"], "scalar");
  EXPECT_GT(bench["peaks"]["fma_gmacs"].get<double>(), 0.0);
  double share = 0.0;
  for (const Json& row : bench["nodes"]) share += row["share"].get<double>();
  EXPECT_NEAR(share, 1.0, 1e-9);
  EXPECT_NE(run_pare({"bench", model, "--threads", "1"}).out.find("peaks of this machine"), std::string::npos);
  EXPECT_EQ(run_pare({"bench"}).status, 2);
  EXPECT_EQ(run_pare({"bench", model, "--isa", "avx"}).status, 2);
  EXPECT_EQ(run_pare({"bench", model, "--dim", "M=2"}).status, 2);
}

TEST_F(Verbs, BenchSetsTheGainAgainstTheOneInMacs) {
  const std::string model = output() + "/artifact/model.pare";
  const auto same = run_pare({"bench", model, "--against", model, "--threads", "1", "--json"});
  ASSERT_EQ(same.status, 0) << same.err;
  const Json pair = parse(same);
  EXPECT_EQ(pair["times_fewer_macs"], 1.0);
  EXPECT_GT(pair["model"]["macs"].get<int64_t>(), 0);
  EXPECT_EQ(pair["model"]["macs"], pair["against"]["macs"]);
  EXPECT_DOUBLE_EQ(pair["of_mac_ratio"].get<double>(), pair["times_faster"].get<double>());
  EXPECT_LE(pair["times_faster_p10"].get<double>(), pair["times_faster_p90"].get<double>());
  EXPECT_NE(run_pare({"bench", model, "--against", model}).out.find("fewer MACs"), std::string::npos);
  EXPECT_EQ(run_pare({"bench", "--against", model, "--latency-table", "table.json"}).status, 2);
}

TEST_F(Verbs, ExportAndVerifyWorkOnFiles) {
  const std::string copy = folder_->file("copy");
  const auto exported = run_pare(
      {"export", output() + "/artifact/model.pare", "-o", copy, "--formats", "pare,onnx", "--strip", "--json"});
  ASSERT_EQ(exported.status, 0) << exported.err;
  EXPECT_EQ(parse(exported)["verified"], true);
  const auto verified = run_pare({"verify", output() + "/artifact", "--json"});
  ASSERT_EQ(verified.status, 0) << verified.err;
  EXPECT_FALSE(parse(verified).empty());
  const auto checkpoint =
      run_pare({"export", output() + "/stages/0-train/model.checkpoint", "-o", folder_->file("float")});
  EXPECT_EQ(checkpoint.status, 0) << checkpoint.err;
}

TEST_F(Verbs, VerifyFindsAChangedFile) {
  const std::string damaged = folder_->file("damaged");
  fs::copy(output() + "/artifact", damaged, fs::copy_options::recursive);
  std::string bytes = read_file(damaged + "/model.pare");
  bytes[bytes.size() - 70] = static_cast<char>(bytes[bytes.size() - 70] ^ 0x40);
  write_file_atomic(damaged + "/model.pare", bytes);
  const auto result = run_pare({"verify", damaged});
  EXPECT_TRUE(result.status == 3 || result.status == 6) << result.status << result.err;
}

TEST_F(Verbs, MethodsDescribeThemselves) {
  EXPECT_NE(run_pare({"methods"}).out.find("quant.ptq"), std::string::npos);
  const Json all = parse(run_pare({"methods", "--json"}));
  EXPECT_GE(all.size(), 7u);
  EXPECT_NE(run_pare({"methods", "--describe", "train"}).out.find("optimizer"), std::string::npos);
  EXPECT_EQ(parse(run_pare({"methods", "--describe", "distill.kd", "--json"}))["name"], "distill.kd");
  EXPECT_NE(run_pare({"methods", "--zoo"}).out.find("resnet20"), std::string::npos);
  EXPECT_EQ(parse(run_pare({"methods", "--schema"}))["title"], "pare recipe");
}

TEST(Configs, EveryRecipePlans) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator("configs")) {
    if (entry.path().extension() != ".yaml") continue;
    const auto result = run_pare({"plan", entry.path().string(), "--json"});
    EXPECT_EQ(result.status, 0) << entry.path() << ": " << result.err;
    ++count;
  }
  EXPECT_GE(count, 5);
}

}  // namespace
}  // namespace pare
