#include "core/job/runner.h"

#include <filesystem>

#include "core/base/file.h"
#include "core/graph/stats.h"
#include "core/job/journal.h"
#include "core/job/model_source.h"
#include "core/job/report_step.h"
#include "core/job/stage_list.h"
#include "core/model/checkpoint.h"

namespace pare {
namespace fs = std::filesystem;
namespace {

constexpr const char* kModelFile = "/model.checkpoint";

/// A job with its stages, everything checked.
struct Prepared {
  std::unique_ptr<Job> job;
  std::vector<ListedStage> stages;
  std::vector<std::string> keys;   ///< of each stage, then of the report
};

/// Random streams of a stage depend on its place and name, not on file times, so that runs repeat elsewhere.
std::string stream_of(size_t index, const std::string& name) { return fmt("{}-{}", index, name); }

Json resolved_recipe(const Recipe& recipe, const std::vector<ListedStage>& stages) {
  Json out = config_to_json(recipe);
  out["stages"] = Json::array();
  for (const ListedStage& listed : stages) out["stages"].push_back(Json{{listed.spec.name, listed.stage->config()}});
  return out;
}

/// Checks know no position; selectors do and give it themselves.
void check_stage(Job& job, const ListedStage& listed) {
  try {
    listed.stage->check(job);
  } catch (const ConfigError& e) {
    const std::string text = e.what(), file = listed.spec.mark.file;
    const bool placed = !file.empty() && text.compare(0, file.size(), file) == 0;
    throw ConfigError(placed || text.compare(0, 8, "override") == 0 ? text : listed.spec.mark.prefix() + text);
  }
}

/// Content keys of the files that a stage's config names, a teacher's for example, by the name in the config.
void add_file_keys(const Json& config, const Job& job, Json& out) {
  for (const Json& value : config) {
    if (value.is_structured()) add_file_keys(value, job, out);
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) continue;
    std::error_code ignored;
    const std::string path = job.resolve_path(value.get<std::string>());
    if (fs::is_regular_file(path, ignored)) out[value.get<std::string>()] = file_key(path);
  }
}

Json stage_depends(const ListedStage& listed, const Job& job) {
  const Json config = listed.stage->config();
  Json out = {{"stage", listed.spec.name}, {"config", config}}, files;
  add_file_keys(config, job, files);
  if (!files.is_null()) out["files"] = std::move(files);
  return out;
}

Prepared prepare(const Recipe& recipe, const Registry& registry, const JobOptions& options) {
  Prepared out;
  out.stages = read_stages(recipe, registry);
  out.job = open_job(recipe, registry, options);
  for (size_t i = 0; i < out.stages.size(); ++i) {
    out.job->stage_key = stream_of(i, out.stages[i].spec.name);
    check_stage(*out.job, out.stages[i]);
  }
  out.job->resolved_recipe = resolved_recipe(recipe, out.stages);
  std::string key = input_key(*out.job, recipe);
  for (const ListedStage& listed : out.stages) {
    key = chain_key(key, stage_depends(listed, *out.job));
    out.keys.push_back(key);
  }
  out.keys.push_back(chain_key(key, {{"report", 1}}));
  return out;
}

CheckpointExtras about(const Job& job) {
  CheckpointExtras extras;
  extras.json["preprocess"] = config_to_json(job.preprocess);
  extras.json["labels"] = job.labels;
  extras.json["stage"] = job.stage_key;
  return extras;
}

void load_stage_model(Job& job, const std::string& path) {
  const at::Device device = job.model->device();
  *job.model = load_checkpoint(path, job.registry->ops, job.registry->torch_ops).model;
  job.model->to(device);
}

void finish_stage(Job& job, Journal& journal, size_t index, const ListedStage& listed, const std::string& key) {
  if (listed.stage->changes_model()) {
    const std::string path = job.stage_folder + kModelFile;
    if (job.communicator->is_main()) save_checkpoint(path, *job.model, about(job));
    job.communicator->barrier();
    load_stage_model(job, path);  // what follows starts from the file, as a resumed run does
    job.stage_files.push_back(fs::relative(path, job.folder).string());
  }
  if (job.communicator->is_main()) journal.commit(index, listed.spec.name, key, job.results, job.stage_files);
}

void run_stage(Job& job, Journal& journal, size_t index, size_t count, const ListedStage& listed, const std::string& key) {
  const std::string& name = listed.spec.name;
  job.sink.line(fmt("stage {}/{}: {}", index + 1, count, name));
  job.stage_key = stream_of(index, name);
  job.journal_key = key;
  job.stage_files.clear();
  if (job.communicator->is_main()) journal.begin(index, name, key);
  job.communicator->barrier();
  job.stage_folder = journal.stage_folder(index, name);
  listed.stage->run(job);
  finish_stage(job, journal, index, listed, key);
}

/// Index of the first stage that must run; restores results and the model of those before it.
size_t skip_finished(Prepared& prepared, const Journal& journal) {
  Job& job = *prepared.job;
  size_t first = 0;
  std::string model;
  for (; first < prepared.stages.size(); ++first) {
    const ListedStage& listed = prepared.stages[first];
    const auto results = journal.find(first, listed.spec.name, prepared.keys[first]);
    if (!results) break;
    job.results = *results;
    if (listed.stage->changes_model()) model = journal.stage_folder(first, listed.spec.name) + kModelFile;
    job.sink.line(fmt("stage {}/{}: {} (done before)", first + 1, prepared.stages.size(), listed.spec.name));
  }
  if (!model.empty()) load_stage_model(job, model);
  return first;
}

std::string run_folder(const Recipe& recipe, const RunOptions& options) {
  const std::string folder = options.folder.empty() ? "runs/" + recipe.name : options.folder;
  const bool exists = fs::exists(folder + "/stages");
  PARE_CHECK(exists || !options.must_resume, ConfigError, "[run] expected an earlier run in \"{}\" to resume, got none", folder);
  return folder;
}

void start_folder(const Job& job, const RunOptions& options) {
  std::error_code ignored;
  if (options.fresh) fs::remove_all(job.folder + "/stages", ignored);
  fs::create_directories(job.folder + "/stages", ignored);
  write_file_atomic(job.folder + "/recipe.json", job.resolved_recipe.dump(2) + "\n");
}

}  // namespace

RunResult run(const Recipe& recipe, const Registry& registry, const RunOptions& options) {
  const std::string folder = run_folder(recipe, options);
  Prepared prepared = prepare(recipe, registry, options.job);
  Job& job = *prepared.job;
  const bool main = job.communicator->is_main();
  Journal journal(folder, !main);
  job.folder = folder;
  if (main) start_folder(job, options);
  job.communicator->barrier();

  const size_t count = prepared.stages.size();
  for (size_t i = skip_finished(prepared, journal); i < count; ++i)
    run_stage(job, journal, i, count, prepared.stages[i], prepared.keys[i]);

  RunResult result;
  result.folder = folder;
  if (main) result.report = report_step(job, journal, count, prepared.keys[count]);
  if (job.results.contains("export")) result.artifact = folder + "/" + job.results["export"]["folder"].get<std::string>();
  return result;
}

JobPlan plan(const Recipe& recipe, const Registry& registry, const JobOptions& options) {
  Prepared prepared = prepare(recipe, registry, options);
  Job& job = *prepared.job;
  JobPlan out;
  const GraphStats stats = graph_stats(job.model->graph(), registry.ops, {{"N", 1}});
  out.input.push_back(fmt("model: {}, {} parameters, {} MACs an image, {} as fp32", job.model->graph().name, with_commas(stats.params),
                          with_commas(stats.macs), human_bytes(stats.constant_bytes)));
  const auto size = [](const DatasetPtr& set) { return set ? set->size() : 0; };
  out.input.push_back(fmt("data: {} training images, {} held out, {} test images, {} classes", size(job.plain_train_data),
                          size(job.holdout_data), size(job.eval_data), job.labels.size()));
  for (const ListedStage& listed : prepared.stages)
    out.stages.push_back({listed.spec.name, listed.stage->config(), listed.stage->plan(job)});
  out.resolved_recipe = job.resolved_recipe;
  return out;
}

}  // namespace pare
