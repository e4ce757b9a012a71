#include <cstdio>

#include "apps/builtin/builtin.h"
#include "apps/pare/job_options.h"
#include "apps/pare/terminal.h"
#include "core/job/runner.h"

namespace pare {
namespace {

int show_plan(const RecipeArguments& arguments, const CommonOptions& common) {
  Terminal terminal;
  const Registry registry = builtin();
  const Recipe recipe = arguments.load();
  const JobPlan planned = plan(recipe, registry, job_options(common, terminal));
  if (common.json) {
    Json stages = Json::array();
    for (const PlannedStage& stage : planned.stages)
      stages.push_back({{"name", stage.name}, {"config", stage.config}, {"plan", stage.lines}});
    print_json({{"name", recipe.name}, {"input", planned.input}, {"stages", stages}, {"recipe", planned.resolved_recipe}});
    return 0;
  }
  std::printf("%s\n", recipe.name.c_str());
  for (const auto& line : planned.input) std::printf("  %s\n", line.c_str());
  for (size_t i = 0; i < planned.stages.size(); ++i) {
    std::printf("%zu. %s\n", i + 1, planned.stages[i].name.c_str());
    for (const auto& line : planned.stages[i].lines) std::printf("   %s\n", line.c_str());
  }
  return 0;
}

}  // namespace

void add_plan(CLI::App& program, const CommonOptions& common, Command& command) {
  auto arguments = std::make_shared<RecipeArguments>();
  CLI::App* verb = program.add_subcommand("plan", "check a recipe and say what every stage would do, without doing it");
  arguments->add_to(*verb);
  verb->callback([&common, &command, arguments] { command = [&common, arguments] { return show_plan(*arguments, common); }; });
}

}  // namespace pare
