// `pare import` and what its files are good for.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/config_write.h"
#include "core/base/file.h"
#include "tests/cli/program.h"

namespace pare {
namespace {

// Two float evaluations of the same small network.
constexpr double kImportDifference = 1e-4;

Json import_json_of(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "import");
  arguments.insert(arguments.end(), {"--json", "--threads", "1"});
  const ProgramResult result = run_pare(arguments);
  EXPECT_EQ(result.status, 0) << result.err;
  const Json json = Json::parse(result.out, nullptr, false);
  EXPECT_TRUE(json.is_object()) << result.out << result.err;
  return json;
}

TEST(Import, TorchScriptIsRunBesideItsGraphAndWritten) {
  const TemporaryFolder folder;
  const std::string out = folder.file("model.pare");
  const Json json = import_json_of({"examples/own_model/model.pt", "-o", out});
  EXPECT_EQ(json["model"]["kind"], "torchscript");
  EXPECT_EQ(json["model"]["operators"]["Conv"], 5);
  EXPECT_EQ(json["model"]["inputs"][0]["shape"], (Json{"N", "1", "28", "28"}));
  EXPECT_EQ(json["comparison"]["source_was_run"], true);
  EXPECT_LE(json["comparison"]["largest_difference"].get<double>(), kImportDifference);
  const auto inspected = run_pare({"inspect", out, "--groups", "--json"});
  ASSERT_EQ(inspected.status, 0) << inspected.err;
  EXPECT_EQ(Json::parse(inspected.out)["model"]["params"], json["model"]["params"]);
}

TEST(Import, WhatCannotBeRunIsNotClaimed) {
  for (const char* file : {"examples/own_model/model.onnx", "tests/import/fixtures/cnn.pt2"}) {
    const Json json = import_json_of({file});
    EXPECT_EQ(json["comparison"]["source_was_run"], false) << file;
    EXPECT_NE(json["comparison"]["compared"].get<std::string>().find("nothing here runs the source"),
              std::string::npos);
    EXPECT_LE(json["comparison"]["largest_difference"].get<double>(), kImportDifference) << file;
  }
}

TEST(Import, WeightsGoOntoAModelOfTheZoo) {
  const TemporaryFolder folder;
  const std::string weights = "examples/data/resnet20_cifar10.safetensors", out = folder.file("resnet20.pare");
  const Json json = import_json_of({weights, "--zoo", "resnet20", "--classes", "10", "-o", out});
  EXPECT_EQ(json["model"]["kind"], "weights of resnet20");
  EXPECT_EQ(json["comparison"]["source_was_run"], false);
  EXPECT_TRUE(std::filesystem::exists(out));
}

TEST(Import, MistakesAreNamed) {
  const struct {
    std::vector<std::string> arguments;
    int status;
    const char* text;
  } cases[] = {
      {{"import", "none.pt", "--input", "1x3"}, 5, "none.pt"},
      {{"import", "tests/trace/fixtures/scripted.pt"}, 2, "expected the shapes of the inputs"},
      {{"import", "examples/own_model/model.pt", "--input", "1y3"}, 2, "expected a shape such as"},
      {{"import", "examples/own_model/model.pt", "--input", "1x2x28x28"}, 3, "to have 1 channels"},
      {{"import", "tests/trace/fixtures/branch.pt", "--input", "1x3x4x4"}, 3, "reads what a tensor holds"},
      {{"import", "examples/own_model/model.onnx", "--input", "1x1x28x28"}, 2, "--input with TorchScript only"},
      {{"import", "examples/data/resnet20_cifar10.safetensors"}, 3, "--zoo NAME"},
      {{"import", "examples/data/resnet20_cifar10.safetensors", "--zoo", "lenet5"}, 3, "conv1"},
      {{"inspect", "examples/own_model/model.pt"}, 3, "Import it first"},
  };
  for (const auto& each : cases) {
    const ProgramResult result = run_pare(each.arguments);
    EXPECT_EQ(result.status, each.status) << each.text << ": " << result.err;
    EXPECT_NE(result.err.find(each.text), std::string::npos) << result.err;
  }
}

TEST(Import, ExamplesAreCompressedWithoutLabels) {
  for (const char* recipe : {"torchscript", "onnx"}) {
    const TemporaryFolder folder;
    const ProgramResult result =
        run_pare({"run", std::string("examples/own_model/") + recipe + ".yaml", "--json", "--threads", "1", "-o",
                  folder.file("run"), "data.train.limit=2500", "data.train.holdout=200", "data.eval.limit=400",
                  "stages.train.batch_size=32"});
    ASSERT_EQ(result.status, 0) << result.err;
    const Json report = Json::parse(result.out)["report"];
    EXPECT_LE(report["after"]["macs"].get<double>(), 0.55 * report["before"]["macs"].get<double>()) << recipe;
    EXPECT_GT(report["before"]["top1"].get<double>(), 0.95) << recipe << ": as it came";
    EXPECT_GT(report["after"]["top1"].get<double>(), 0.85) << recipe << ": 2,300 images, two epochs";
    EXPECT_TRUE(std::filesystem::exists(folder.file("run") + "/artifact/model.onnx"));
  }
}

}  // namespace
}  // namespace pare
