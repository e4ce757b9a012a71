// Every recipe of configs/pruning is read and checked against its model; so are targets that cannot be met.

#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/file.h"
#include "core/job/open_job.h"
#include "core/job/stage_list.h"
#include "core/job/stages/core_stages.h"
#include "core/recipe/yaml_reader.h"
#include "pruning/methods.h"
#include "tests/pruning/small_task.h"

namespace pare {
namespace {

const std::string kFolder = "configs/pruning/";  // tests run in the repository's root

Registry registry() {
  Registry out;
  register_core_stages(out);
  register_pruning(out);
  return out;
}

// What a run does before its first stage.
void check(const std::string& yaml) {
  const Registry known = registry();
  const Recipe recipe = read_recipe(read_yaml(yaml, "r.yaml"), kFolder);
  const auto stages = read_stages(recipe, known);
  JobOptions options;
  options.with_data = false;
  const auto job = open_job(recipe, known, options);
  job->registry = &known;
  job->train_data = testing::small_images(16);
  for (const ListedStage& listed : stages)
    if (listed.spec.name != "export") listed.stage->check(*job);
}

TEST(PruningRecipes, AreReadAndFitTheirModel) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    EXPECT_NO_THROW(check(read_file(entry.path().string()))) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 9);
}

std::string error_of(const std::string& stage) {
  try {
    check("pare: 1\nname: a\nmodel: {zoo: resnet20}\nstages:\n  - " + stage + "\n");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(PruningRecipes, BadTargetsFailBeforeTheFirstStage) {
  const std::pair<const char*, const char*> cases[] = {
      {"train: {with: [prune.hesso: {target: {macs: 0.001}}]}", "cannot be reached"},
      {"train: {with: [prune.hesso_cric: {target: {macs: 0.5}, samples: [0.5, 0.5]}]}", "ascending"},
      {"train: {with: [prune.dhspg: {target: {params: 0.5}, ignore: ['*']}]}", "are ignored"},
      {"train: {with: [prune.hspg: {ignore: [layer9.*]}]}", "layer9.*"},
      {"train: {with: [prune.structured: {target: {channels: 1.0}}]}", "below 1"},
      {"prune.structured: {target: {macs: 0.5}, max_sparsity: 0.1}", "cannot be reached"},
      {"prune.structured: {target: {macs: 0.5}, ignore: [Conv]}", "are ignored"},
      {"prune.structured: {target: {macs: 0.5, params: 0.5}}", "exactly one"},
      {"train: {with: [prune.hesso: {target: {latency: 0.5}}]}", "expected a latency_table"},
  };
  for (const auto& [stage, part] : cases) {
    const std::string error = error_of(stage);
    EXPECT_NE(error.find(part), std::string::npos) << stage << ": " << error;
  }
}

}  // namespace
}  // namespace pare
