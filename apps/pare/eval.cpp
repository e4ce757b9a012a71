#include <cstdio>

#include "apps/builtin/builtin.h"
#include "apps/pare/job_options.h"
#include "apps/pare/terminal.h"
#include "core/import/model_file.h"
#include "core/job/measure.h"
#include "core/model/checkpoint.h"
#include "core/train/evaluate.h"

namespace pare {
namespace {

struct EvalArguments : RecipeArguments {
  std::string model, split = "test";
};

const DatasetPtr& data_of(const Job& job, const std::string& split) {
  const DatasetPtr& data = split == "test" ? job.eval_data : split == "holdout" ? job.holdout_data : job.plain_train_data;
  PARE_CHECK(data != nullptr, ConfigError, "[eval] expected a recipe with the {} images, got none", split);
  return data;
}

Json evaluate_torch(Model& model, const Job& job, const DatasetPtr& data) {
  const EvalResult result = evaluate(model, data, 256, job.threads);
  return {{"images", result.count}, {"correct", result.correct}, {"top1", result.top1_rate()}, {"top5", result.top5_rate()},
          {"loss", result.mean_loss()}, {"by", "libtorch"}};
}

Json evaluate_file(const std::string& path, const Job& job, const DatasetPtr& data) {
  if (!is_foreign_model(path) && is_checkpoint(path)) {
    const auto model = job.load_model(path);
    return evaluate_torch(*model, job, data);
  }
  MeasureOptions options;
  options.threads = job.threads;
  options.sink = job.sink;
  options.name = path;
  Json out = measure(read_model_file(path), data, job.registry->ops, options).to_json();
  out["by"] = "executor";
  return out;
}

int eval_model(const EvalArguments& arguments, const CommonOptions& common) {
  Terminal terminal;
  const Registry registry = builtin();
  const auto job = open_job(arguments.load(), registry, job_options(common, terminal));
  const DatasetPtr& data = data_of(*job, arguments.split);
  const Json result = arguments.model.empty() ? evaluate_torch(*job->model, *job, data) : evaluate_file(arguments.model, *job, data);
  if (common.json) {
    print_json(result);
    return 0;
  }
  std::printf("top-1 %.2f %% (%s of %s %s images), top-5 %.2f %%, by %s\n", 100 * result["top1"].get<double>(),
              with_commas(result["correct"].get<int64_t>()).c_str(), with_commas(result["images"].get<int64_t>()).c_str(),
              arguments.split.c_str(), 100 * result["top5"].get<double>(), result["by"].get<std::string>().c_str());
  return 0;
}

}  // namespace

void add_eval(CLI::App& program, const CommonOptions& common, Command& command) {
  auto arguments = std::make_shared<EvalArguments>();
  CLI::App* verb = program.add_subcommand("eval", "measure the recipe's input model, or a file, on the recipe's data");
  arguments->add_to(*verb);
  verb->add_option("-m,--model", arguments->model, ".pare, .onnx, .pt2 (run by the executor) or checkpoint instead of the input model");
  verb->add_option("--split", arguments->split, "test, holdout or train")->check(CLI::IsMember({"test", "holdout", "train"}))->capture_default_str();
  verb->callback([&common, &command, arguments] { command = [&common, arguments] { return eval_model(*arguments, common); }; });
}

}  // namespace pare
