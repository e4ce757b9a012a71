// Wrong input gives one clear line, the documented exit status, and leaves everything as it was.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "core/base/config_write.h"
#include "core/base/file.h"
#include "tests/cli/program.h"

namespace pare {
namespace {
namespace fs = std::filesystem;

std::string root(const std::string& path) { return fs::absolute(path).string(); }

/// A recipe on MNIST whose parts a case replaces.
struct Parts {
  std::string model = "{zoo: lenet5}";
  std::string train = "{idx: " + root("examples/data/mnist") + ", limit: 200}";
  std::string eval = "{idx: " + root("examples/data/mnist") + ", split: test, limit: 100}";
  std::string stages = "[{train: {epochs: 1}}, export]";
  std::string text() const {
    return "pare: 1\nname: case\nmodel: " + model + "\ndata: {train: " + train + ", eval: " + eval + "}\nstages: " + stages + "\n";
  }
};

struct Case {
  const char* name;
  Parts parts;
  int status;
  std::string message;
};

std::string first_bytes(const std::string& path, size_t count) { return read_file(path).substr(0, count); }

void expect_error(const ProgramResult& result, int status, const std::string& message, const std::string& name) {
  EXPECT_EQ(result.status, status) << name << ": " << result.err;
  EXPECT_NE(result.err.find(message), std::string::npos) << name << ": expected \"" << message << "\" in: " << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << name << ": " << result.err;
  EXPECT_EQ(result.err.compare(0, 13, "pare: error: "), 0) << name << ": " << result.err;
}

std::vector<Case> recipe_cases(const TemporaryFolder& folder) {
  const std::string weights = root("examples/data/resnet20_cifar10.safetensors"), tar = root("examples/data/cifar10.tar.gz");
  const std::string short_weights = folder.write("short.safetensors", first_bytes(weights, 50000));
  const std::string header_only = folder.write("header.safetensors", first_bytes(weights, 7));
  const std::string short_tar = folder.write("short.tar.gz", first_bytes(tar, 400000));
  const std::string junk = folder.write("junk.pare", "this is no model");
  const std::string junk_onnx = folder.write("junk.onnx", std::string(200, '\x7f'));
  const std::string empty = folder.write("empty.pare", "");
  folder.write("images/train/a/0.jpg", "no image at all");
  folder.write("images/train/b/0.jpg", "no image either");
  fs::create_directories(folder.file("nothing/train"));
  std::vector<Case> cases;
  const auto add = [&](const char* name, int status, const std::string& message, const std::function<void(Parts&)>& change) {
    Case c{name, {}, status, message};
    change(c.parts);
    cases.push_back(std::move(c));
  };
  add("unknown stage", 2, "unknown stage \"trian\". Did you mean \"train\"?", [](Parts& p) { p.stages = "[trian]"; });
  add("misspelt setting", 2, "unknown key \"epoch\". Did you mean \"epochs\"?", [](Parts& p) { p.stages = "[{train: {epoch: 1}}]"; });
  add("duplicate setting", 2, "duplicate key \"epochs\"", [](Parts& p) { p.stages = "[{train: {epochs: 1, epochs: 2}}]"; });
  add("wrong type", 2, "expected an integer, got \"many\"", [](Parts& p) { p.stages = "[{train: {epochs: many}}]"; });
  add("out of range", 2, "expected >= 1, got 0", [](Parts& p) { p.stages = "[{train: {batch_size: 0}}]"; });
  add("unknown optimizer", 2, "unknown choice \"sgdd\". Did you mean \"sgd\"?", [](Parts& p) { p.stages = "[{train: {optimizer: sgdd}}]"; });
  add("unknown modifier", 2, "unknown modifier \"distill.kdd\". Did you mean \"distill.kd\"?", [](Parts& p) { p.stages = "[{train: {with: [distill.kdd]}}]"; });
  add("modifier setting", 2, "unknown key \"temprature\"", [](Parts& p) { p.stages = "[{train: {with: [{distill.kd: {temprature: 3}}]}}]"; });
  add("modifier as stage", 2, "expected a stage, got the modifier", [](Parts& p) { p.stages = "[distill.kd]"; });
  add("prune behind quantize", 2, "expected to stand before quant.ptq", [](Parts& p) { p.stages = "[quant.ptq, {prune.structured: {target: {macs: 0.5}}}]"; });
  add("quantize twice", 2, "stages[2].quant.ptq: expected to stand before quant.ptq", [](Parts& p) { p.stages = "[quant.ptq, train, quant.ptq]"; });
  add("selector without a hit", 2, "matches no layer", [](Parts& p) { p.stages = "[{quant.ptq: {ignore: [layer9]}}, export]"; });
  add("bad expression", 2, "is no regular expression", [](Parts& p) { p.stages = "[{quant.ptq: {targets: ['re:(']}}, export]"; });
  add("unknown zoo model", 2, "Did you mean \"lenet5\"", [](Parts& p) { p.model = "{zoo: lenet}"; });
  add("no model source", 2, "expected exactly one of zoo, pare, onnx, pt2, torchscript, checkpoint, got 0", [](Parts& p) { p.model = "{classes: 3}"; });
  add("missing weights", 5, "no-such.safetensors", [](Parts& p) { p.model = "{zoo: lenet5, weights: no-such.safetensors}"; });
  add("weights of another model", 3, "weights", [&](Parts& p) { p.model = "{zoo: lenet5, weights: " + weights + "}"; });
  add("truncated weights", 3, "short.safetensors", [&](Parts& p) { p.model = "{zoo: resnet20, weights: " + short_weights + "}"; });
  add("cut header", 3, "header.safetensors", [&](Parts& p) { p.model = "{zoo: resnet20, weights: " + header_only + "}"; });
  add("missing .pare", 5, "no-such.pare", [](Parts& p) { p.model = "{pare: no-such.pare}"; });
  add("no .pare at all", 3, "junk.pare", [&](Parts& p) { p.model = "{pare: " + junk + "}"; });
  add("empty .pare", 3, "empty.pare", [&](Parts& p) { p.model = "{pare: " + empty + "}"; });
  add("no ONNX at all", 3, "junk.onnx", [&](Parts& p) { p.model = "{onnx: " + junk_onnx + "}"; });
  add("wrong class count", 4, "expected 7 classes", [](Parts& p) { p.model = "{zoo: lenet5, classes: 7}"; });
  add("images that do not fit", 4, "expected inputs of shape", [](Parts& p) { p.model = "{zoo: resnet20}"; });
  add("missing data folder", 4, "no-such-folder", [](Parts& p) { p.train = "{idx: no-such-folder}"; });
  add("two data sources", 2, "", [](Parts& p) { p.train = "{idx: a, images: b}"; });
  add("misspelt data key", 2, "unknown key \"image\". Did you mean \"images\"?", [](Parts& p) { p.train = "{image: b}"; });
  add("truncated archive", 4, "short.tar.gz", [&](Parts& p) { p.model = "{zoo: resnet20}"; p.train = "{images: " + short_tar + "}"; });
  add("no images", 4, "nothing", [&](Parts& p) { p.train = "{images: " + folder.file("nothing") + "}"; });
  add("broken JPEG", 4, "0.jpg", [&](Parts& p) { p.model = "{zoo: lenet5, channels: 3, classes: 2}"; p.train = p.eval = "{images: " + folder.file("images") + ", split: train}"; });
  add("holdout too large", 2, "", [](Parts& p) { p.train = "{idx: " + root("examples/data/mnist") + ", limit: 100, holdout: 100000}"; });
  add("no training data", 2, "expected data.train", [](Parts& p) { p.train = "null"; });
  add("export folder outside", 2, "expected a folder name inside", [](Parts& p) { p.stages = "[{export: {folder: ../x}}]"; });
  add("export format", 2, "expected one of pare, onnx, safetensors", [](Parts& p) { p.stages = "[{export: {formats: [onxx]}}]"; });
  add("opset", 2, "expected in [13, 21], got 30", [](Parts& p) { p.stages = "[{export: {opset: 30}}]"; });
  add("quantize for another target", 2, "target", [](Parts& p) { p.model += "\ntarget: trt"; p.stages = "[quant.ptq]"; });
  return cases;
}

TEST(Errors, WrongRecipesAndFiles) {
  const TemporaryFolder folder;
  int count = 0;
  for (const Case& c : recipe_cases(folder)) {
    const std::string recipe = folder.write("case.yaml", c.parts.text());
    expect_error(run_pare({"plan", recipe}), c.status, c.message, c.name);
    EXPECT_FALSE(fs::exists("runs/case")) << c.name;
    ++count;
  }
  EXPECT_GE(count, 35);
}

TEST(Errors, WrongArguments) {
  const std::vector<std::pair<std::vector<std::string>, int>> cases = {
      {{}, 2}, {{"runn"}, 2}, {{"run"}, 2}, {{"run", "a.yaml", "--no-such-flag"}, 2}, {{"plan", "no-such.yaml"}, 5},
      {{"plan", "configs"}, 5}, {{"plan", "configs/mnist_lenet5.yaml", "sed=3"}, 2}, {{"plan", "configs/mnist_lenet5.yaml", "seed"}, 2},
      {{"plan", "configs/mnist_lenet5.yaml", "--threads", "-2"}, 2}, {{"plan", "configs/mnist_lenet5.yaml", "--device", "toaster"}, 2},
      {{"plan", "configs/mnist_lenet5.yaml", "--log-level", "loud"}, 2}, {{"run", "configs/mnist_lenet5.yaml", "--fresh", "--resume"}, 2},
      {{"run", "configs/mnist_lenet5.yaml", "--resume", "-o", "no-such-folder"}, 2}, {{"methods", "--describe", "quant.ptqq"}, 2},
      {{"inspect", "no-such-model"}, 5}, {{"inspect", "configs/mnist_lenet5.yaml"}, 3}, {{"verify", "no-such-folder"}, 5},
      {{"verify", "configs"}, 5}, {{"export", "LICENSE"}, 3}, {{"export", "LICENSE", "--opset", "3"}, 2}};
  for (const auto& [arguments, status] : cases) {
    const auto result = run_pare(arguments);
    std::string name = "pare";
    for (const auto& argument : arguments) name += " " + argument;
    expect_error(result, status, "", name);
  }
}

TEST(Errors, JsonHoldsTheErrorToo) {
  const auto result = run_pare({"plan", "no-such.yaml", "--json"});
  const Json json = Json::parse(result.out, nullptr, false);
  ASSERT_FALSE(json.is_discarded()) << result.out;
  EXPECT_EQ(json["error"]["kind"], "IoError");
  EXPECT_EQ(json["error"]["exit_code"], 5);
}

TEST(Errors, AReadOnlyFolderIsAnIoError) {
  const TemporaryFolder folder;
  // Root writes anywhere; a file in the place of the folder stops even root.
  folder.write("blocked", "a file");
  const auto result = run_pare({"run", "configs/mnist_lenet5.yaml", "--log-level", "off", "data.train.limit=300", "data.train.holdout=50", "-o", folder.file("blocked")});
  expect_error(result, 5, "blocked", "a file in the way");
  EXPECT_EQ(read_file(folder.file("blocked")), "a file");
}

TEST(Errors, AFullDiskIsAnIoErrorAndLosesNothing) {
  const TemporaryFolder folder;
  const std::vector<std::string> arguments = {"run", "configs/mnist_lenet5.yaml", "--log-level", "error", "data.train.limit=300", "data.train.holdout=50",
                                              "data.eval.limit=50", "stages.0.train.epochs=1", "stages.export.verify.samples=32", "-o", folder.file("run")};
  ProgramOptions small;
  small.file_size_limit = 40000;  // the first stage's checkpoint does not fit
  expect_error(run_pare(arguments, small), 5, "cannot write", "no space");
  for (const auto& entry : fs::recursive_directory_iterator(folder.file("run")))
    EXPECT_EQ(entry.path().string().find(".tmp-"), std::string::npos) << "left behind: " << entry.path();
  const auto again = run_pare(arguments);
  EXPECT_EQ(again.status, 0) << again.err;
}

TEST(Errors, CtrlCEndsWithItsOwnStatusAndCanBeContinued) {
  const TemporaryFolder folder;
  const std::vector<std::string> arguments = {"run", "configs/mnist_lenet5.yaml", "--log-level", "off", "--threads", "1", "data.train.holdout=50",
                                              "stages.0.train.epochs=100", "-o", folder.file("run")};
  ProgramOptions stop;
  stop.kill_after = 2;
  stop.signal = SIGINT;
  const auto result = run_pare(arguments, stop);
  EXPECT_EQ(result.status, 130) << result.err;
  EXPECT_NE(result.err.find("The same command continues"), std::string::npos) << result.err;
}

TEST(Errors, AnUnusualNameStaysOneLine) {
  const TemporaryFolder folder;
  const std::string recipe = folder.write("case.yaml", "pare: 1\n\"a\\nb\\e[31m\": 2\n");
  const auto result = run_pare({"plan", recipe});
  expect_error(result, 2, "unknown key", "control characters");
  EXPECT_EQ(result.err.find('\033'), std::string::npos);
}

}  // namespace
}  // namespace pare
