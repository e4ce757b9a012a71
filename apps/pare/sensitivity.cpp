#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "apps/builtin/builtin.h"
#include "apps/pare/job_options.h"
#include "apps/pare/table.h"
#include "core/base/config_read.h"
#include "core/base/file.h"
#include "core/data/views.h"
#include "core/format/json_text.h"
#include "core/job/journal.h"
#include "pruning/structured/gradients.h"
#include "pruning/structured/sensitivity.h"

namespace pare {
namespace {

constexpr int64_t kCacheBytes = int64_t{1} << 29;

struct SensitivityArguments : RecipeArguments {
  std::string model, output, criterion = "norm", split = "holdout";
  std::vector<std::string> ignore;
  std::vector<double> shares;
  int64_t images = 1000;
  bool inexact = false;

  SensitivityConfig config() const {
    SensitivityConfig out;
    read_config(ConfigNode::text(criterion), "criterion", out.criterion);
    if (!shares.empty()) out.shares = shares;
    out.ignore = Selector(ignore);
    out.inexact = inexact;
    out.check();
    return out;
  }
};

DatasetPtr images_of(const Job& job, const SensitivityArguments& arguments) {
  const DatasetPtr& all = arguments.split == "test" ? job.eval_data : job.holdout_data;
  PARE_CHECK(all != nullptr, ConfigError, "[sensitivity] expected a recipe with {} images, got none. Set {}", arguments.split,
             arguments.split == "test" ? "data.eval" : "data.train.holdout");
  const int64_t count = std::min(all->size(), arguments.images);
  return cached(split_holdout(all, count, job.seed).holdout, kCacheBytes);
}

/// Curves that an earlier, stopped command left, when it asked the same.
std::vector<SensitivityCurve> earlier_curves(const std::string& path, const std::string& key) {
  if (!std::filesystem::exists(path)) return {};
  const Json old = parse_json(read_file(path), path);
  const auto asked = old.is_object() ? old.find("key") : old.end();
  if (asked == old.end() || *asked != key) return {};
  return sensitivity_from(old).curves;
}

void print_table(const Sensitivity& all, const std::vector<double>& shares) {
  std::vector<std::string> header = {"top-1 % without", "units"};
  for (double share : shares) header.push_back(percent(share, 0) + " %");
  header.push_back("1 point lost behind");
  std::vector<std::vector<std::string>> rows;
  for (const SensitivityCurve& curve : all.curves) {
    std::vector<std::string> row = {curve.group, fmt("{}", curve.units)};
    for (double share : shares) {
      const SensitivityPoint* last = nullptr;  // a share that removes no further unit repeats the one before
      for (const SensitivityPoint& point : curve.points)
        if (point.units_removed <= static_cast<int64_t>(share * static_cast<double>(curve.units) + 0.5)) last = &point;
      row.push_back(percent(last ? last->top1 : all.top1, 2));
    }
    row.push_back(percent(share_within(all, curve, 0.01), 0) + " %");
    rows.push_back(std::move(row));
  }
  std::fputs(format_table(header, rows).c_str(), stdout);
  std::printf("whole model: top-1 %s %% on %s images\n", percent(all.top1, 2).c_str(), with_commas(all.images).c_str());
}

int sensitivity(const SensitivityArguments& arguments, const CommonOptions& common) {
  Terminal terminal;
  const Registry registry = builtin();
  const SensitivityConfig config = arguments.config();
  const Recipe recipe = arguments.load();
  const auto job = open_job(recipe, registry, job_options(common, terminal));
  if (!arguments.model.empty()) {
    job->model = std::make_unique<Model>(job->load_model(arguments.model)->clone());
    job->input_key = file_key(arguments.model);
  }
  const std::string folder = arguments.output.empty() ? "runs/" + recipe.name + "-sensitivity" : arguments.output;
  const std::string path = folder + "/sensitivity.json";
  std::filesystem::create_directories(folder);
  const std::string key = chain_key(input_key(*job, recipe), {{"config", config_to_json(config)}, {"images", arguments.images}, {"split", arguments.split}});
  const auto save = [&](const Sensitivity& all) {
    Json json = to_json(all);
    json["key"] = key;
    json["model"] = job->model->graph().name;
    write_file_atomic(path, json.dump(1) + "\n");
    return json;
  };
  const auto progress = [&](const Sensitivity& all, size_t groups) {
    save(all);
    terminal.progress(static_cast<int64_t>(all.curves.size()), static_cast<int64_t>(groups), all.curves.back().group);
  };
  const Sensitivity all = measure_sensitivity(*job->model, config, images_of(*job, arguments), job->threads,
                                              gradient_passes(*job, config.criterion), earlier_curves(path, key), progress);
  const Json json = save(all);
  write_file_atomic(folder + "/sensitivity.html", sensitivity_html(recipe.name + ": sensitivity of each group", all));
  if (common.json) {
    print_json(json);
    return 0;
  }
  print_table(all, config.shares);
  std::printf("plot: %s/sensitivity.html\n", folder.c_str());
  return 0;
}

}  // namespace

void add_sensitivity(CLI::App& program, const CommonOptions& common, Command& command) {
  auto arguments = std::make_shared<SensitivityArguments>();
  CLI::App* verb = program.add_subcommand(
      "sensitivity", "accuracy of the recipe's model when each group of channels alone loses a share; continues where it stopped");
  arguments->add_to(*verb);
  verb->add_option("-m,--model", arguments->model, ".pare, .onnx, .pt2 or checkpoint file instead of the recipe's model");
  verb->add_option("--shares", arguments->shares, "of a group's units to remove, ascending (default: 0.1,0.2,...,0.9)")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb->add_option("--criterion", arguments->criterion, "norm, taylor, hessian, bn_scale, fpgm or random")->capture_default_str();
  verb->add_option("--ignore", arguments->ignore, "layers to leave out: names, globs or operators")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb->add_option("--images", arguments->images, "images to measure on, at most")->check(CLI::PositiveNumber)->capture_default_str();
  verb->add_option("--split", arguments->split, "holdout or test")->check(CLI::IsMember({"holdout", "test"}))->capture_default_str();
  verb->add_flag("--inexact", arguments->inexact, "also groups whose removal differs from zeroing");
  verb->add_option("-o,--output", arguments->output, "folder of the result (default: runs/<name of the recipe>-sensitivity)");
  verb->callback([&common, &command, arguments] { command = [&common, arguments] { return sensitivity(*arguments, common); }; });
}

}  // namespace pare
