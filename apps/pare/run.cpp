#include <cstdio>

#include "apps/builtin/builtin.h"
#include "apps/pare/job_options.h"
#include "apps/pare/summary.h"
#include "apps/pare/terminal.h"
#include "core/job/runner.h"

namespace pare {
namespace {

struct RunArguments : RecipeArguments {
  std::string output;
  bool fresh = false, resume = false;
};

int run_recipe(const RunArguments& arguments, const CommonOptions& common) {
  PARE_CHECK(!(arguments.fresh && arguments.resume), ConfigError, "[run] expected --fresh or --resume, got both");
  Terminal terminal;
  const Registry registry = builtin();
  const Recipe recipe = arguments.load();
  RunOptions options;
  options.job = job_options(common, terminal);
  options.folder = arguments.output;
  options.fresh = arguments.fresh;
  options.must_resume = arguments.resume;
  const RunResult result = run(recipe, registry, options);
  if (common.json) {
    print_json({{"folder", result.folder}, {"artifact", result.artifact}, {"report", result.report}});
    return 0;
  }
  std::fputs(summary_text(result.report).c_str(), stdout);
  if (!result.artifact.empty()) std::printf("artifact: %s\n", result.artifact.c_str());
  std::printf("report:   %s/report.html\n", result.folder.c_str());
  return 0;
}

}  // namespace

void add_run(CLI::App& program, const CommonOptions& common, Command& command) {
  auto arguments = std::make_shared<RunArguments>();
  CLI::App* verb = program.add_subcommand(
      "run", "run a recipe; finished stages of an earlier run are skipped and a half-done training is continued");
  arguments->add_to(*verb);
  verb->add_option("-o,--output", arguments->output, "folder of the run (default: runs/<name of the recipe>)");
  verb->add_flag("--resume", arguments->resume, "insist on an earlier run to continue (continuing is the default)");
  verb->add_flag("--fresh", arguments->fresh, "drop what an earlier run left in the folder");
  verb->callback([&common, &command, arguments] { command = [&common, arguments] { return run_recipe(*arguments, common); }; });
}

}  // namespace pare
