// pare with one more method and one more operator, in a recipe that uses both.
#include <cstdio>
#include <exception>
#include <filesystem>

#include "apps/builtin/builtin.h"
#include "core/format/pare_file.h"
#include "core/job/runner.h"
#include "core/model/freeze.h"
#include "core/zoo/zoo.h"
#include "orthogonality.h"
#include "squared_relu.h"

namespace {

using namespace pare;

/// LeNet-5 with the new operator behind its linear layers, as the file that the recipe starts from.
void write_start(const std::string& path, const Registry& registry) {
  GraphWithConstants lenet = zoo("lenet5", {.seed = 1});
  for (const char* name : {"relu3", "relu4"}) lenet.graph.node(lenet.graph.find_node(name)).op = example::kSquaredRelu;
  const Model model(lenet.graph, lenet.constants, registry.ops, registry.torch_ops);
  save_pare(path, freeze(model, {}));
}

void run_recipe(const std::string& recipe, const std::string& folder, const std::string& mnist) {
  Registry registry = builtin();
  registry.add_modifier<example::Orthogonality, example::OrthogonalityConfig>(
      "example.orthogonality", "keeps the rows of weight matrices orthogonal");
  example::add_squared_relu(registry);

  std::filesystem::create_directories(folder);
  const std::string start = std::filesystem::absolute(folder) / "start.pare", data = std::filesystem::absolute(mnist);
  write_start(start, registry);
  RunOptions options;
  options.folder = folder + "/run";
  options.job.sink.line = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
  const RunResult result =
      run(load_recipe(recipe, {"model.pare=" + start, "data.train.idx=" + data, "data.eval.idx=" + data}), registry, options);

  const Json &before = result.report["before"], &after = result.report["after"];
  std::printf("before: top-1 %.2f %%, %lld MACs\n", 100 * before["top1"].get<double>(), before["macs"].get<long long>());
  std::printf("after: top-1 %.2f %%, %lld MACs\n", 100 * after["top1"].get<double>(), after["macs"].get<long long>());
  std::printf("artifact: %s\n", result.artifact.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s RECIPE.yaml OUTPUT_FOLDER MNIST_FOLDER\n", argv[0]);
    return 2;
  }
  try {
    run_recipe(argv[1], argv[2], argv[3]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 1;
  }
  return 0;
}
