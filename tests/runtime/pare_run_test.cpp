// The program as a user starts it: exit codes, output, what it links.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>

#include "core/base/config_write.h"
#include "core/base/file.h"
#include "core/format/pare_file.h"
#include "core/zoo/zoo.h"
#include "tests/runtime/support.h"

namespace pare::test {
namespace {

namespace fs = std::filesystem;

struct Finished {
  int code = -1;
  std::string text;   // standard output and error
};

Finished shell(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  Finished out;
  char buffer[4096];
  for (size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.text.append(buffer, n);
  const int status = pclose(pipe);
  out.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

class PareRun : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt("pare_run_test_{}", ::getpid());
    fs::create_directories(folder_);
    const GraphWithConstants model = zoo("lenet5");
    FrozenModel frozen;
    frozen.graph = model.graph;
    for (const auto& [name, tensor] : model.constants.map()) frozen.constants[name] = encode_raw(tensor);
    frozen.labels = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
    frozen.preprocess.channels = 1;
    const Shape shape = evaluate(*frozen.graph.value(frozen.graph.inputs()[0]).shape, {{"N", 2}});
    const Tensor x = random_floats(shape, 1);
    frozen.golden.push_back({{x}, Executor(frozen).run({x})});
    save_pare(file("good.pare"), frozen);
    Tensor wrong = frozen.golden[0].outputs[0].clone();
    wrong.mutable_data<float>()[3] += 1.0f;
    frozen.golden[0].outputs[0] = wrong;
    save_pare(file("wrong.pare"), frozen);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  Finished run(const std::string& arguments) const { return shell(fmt("{} {} {}", PARE_EMULATOR, PARE_RUN_PATH, arguments)); }

  fs::path folder_;
};

TEST_F(PareRun, RunsTimesAndComparesWithGoldenSamples) {
  const Finished plain = run(file("good.pare") + " --golden --repeat 3 --warmup 1 --threads 2 --top 2 --save " + file("out.safetensors"));
  EXPECT_EQ(plain.code, 0) << plain.text;
  EXPECT_NE(plain.text.find("passed"), std::string::npos) << plain.text;
  EXPECT_TRUE(fs::exists(file("out.safetensors")));
  const Finished json = run(file("good.pare") + " --golden --json --kernels --top 3");
  EXPECT_EQ(json.code, 0);
  const Json report = Json::parse(json.text);
  EXPECT_EQ(report["top"].size(), 3u);
  EXPECT_EQ(report["golden"]["max_error"], 0.0);
  EXPECT_GT(report["kernels"].size(), 5u);
  EXPECT_GT(report["median_ms"].get<double>(), 0.0);
}

TEST_F(PareRun, ExitCodesTellWhatWentWrong) {
  EXPECT_EQ(run(file("wrong.pare") + " --golden").code, 6);
  EXPECT_EQ(run(file("good.pare") + " --gold").code, 2);
  EXPECT_EQ(run(file("good.pare") + " --threads 0").code, 2);
  EXPECT_EQ(run(file("good.pare") + " --threads").code, 2);
  EXPECT_EQ(run("").code, 2);
  EXPECT_EQ(run(file("absent.pare")).code, 5);
  EXPECT_EQ(run(file("good.pare") + " --input " + file("good.pare")).code, 4);
  const std::string whole = read_file(file("good.pare"));
  write_file_atomic(file("cut.pare"), std::string_view(whole).substr(0, whole.size() / 2));
  const Finished cut = run(file("cut.pare"));
  EXPECT_EQ(cut.code, 3) << cut.text;
  EXPECT_EQ(std::count(cut.text.begin(), cut.text.end(), '\n'), 1) << "one clear line: " << cut.text;
  EXPECT_EQ(run("--help").code, 0);
}

TEST_F(PareRun, LinksNoLibtorch) {
  const Finished libraries = shell(std::string("readelf -d ") + PARE_RUN_PATH);
  ASSERT_EQ(libraries.code, 0) << libraries.text;
  EXPECT_NE(libraries.text.find("NEEDED"), std::string::npos);
  EXPECT_EQ(libraries.text.find("torch"), std::string::npos) << libraries.text;
  EXPECT_EQ(libraries.text.find("c10"), std::string::npos) << libraries.text;
  ASSERT_EQ(shell(fmt("{} -o {} {}", PARE_STRIP, file("stripped"), PARE_RUN_PATH)).code, 0);
  std::printf("pare-run, stripped: %s bytes\n", with_commas(static_cast<int64_t>(fs::file_size(file("stripped")))).c_str());
}

}  // namespace
}  // namespace pare::test
