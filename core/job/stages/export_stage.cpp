#include "core/job/stages/export_stage.h"

#include <algorithm>

#include "core/data/loader.h"
#include "core/graph/stats.h"
#include "core/job/model_source.h"
#include "core/model/freeze.h"
#include "export/exporter.h"
#include "export/verify.h"

namespace pare {
namespace {

constexpr int64_t kVerifyBatch = 32;

const DatasetPtr& sample_data(const Job& job) { return job.holdout_data ? job.holdout_data : job.plain_train_data; }

Tensor with_batch(const Tensor& input) {
  Shape shape = input.shape();
  shape.insert(shape.begin(), 1);
  return input.reshaped(shape);
}

/// `count` examples spread evenly over the data, as model inputs.
std::vector<std::vector<Tensor>> golden_inputs(const Job& job, int64_t count) {
  std::vector<std::vector<Tensor>> out;
  const DatasetPtr& data = sample_data(job);
  if (!data) return out;
  count = std::min(count, data->size());
  for (int64_t i = 0; i < count; ++i) out.push_back({with_batch(data->get(i * data->size() / count, Rng(0)).input)});
  return out;
}

SampleSource sample_source(const Job& job, int64_t samples) {
  const DatasetPtr& data = sample_data(job);
  auto loader = std::make_shared<Loader>(
      data, LoaderOptions{.batch_size = kVerifyBatch, .shuffle = true, .seed = job.rng("verify").next(), .threads = job.threads});
  loader->start(0);
  auto left = std::make_shared<int64_t>(samples);
  return [loader, left](VerifyBatch& out) {
    Batch batch;
    if (*left <= 0 || !loader->next(batch)) return false;
    const auto labels = batch.labels.span<int64_t>();
    out = VerifyBatch{{batch.inputs}, {}, {labels.begin(), labels.end()}};
    *left -= batch.labels.numel();
    return true;
  };
}

std::vector<std::string> format_names(const ExportConfig& config) {
  std::vector<std::string> out = {"pare"};
  for (const ExportFormat format : config.formats)
    if (format != ExportFormat::kPare) out.emplace_back(enum_name(format));
  return out;
}

}  // namespace

FrozenModel freeze_job_model(const Model& model, const Job& job, int64_t golden_samples) {
  FreezeOptions options;
  options.preprocess = job.preprocess;
  options.labels = job.labels;
  options.metadata = {{"pare_version", kVersion}, {"target", job.target}, {"recipe", job.resolved_recipe}};
  return freeze(model, golden_inputs(job, golden_samples), options);
}

void ExportConfig::check(const ConfigMark& mark, const std::string& path) const {
  const bool plain = !folder.empty() && folder.find('/') == std::string::npos && folder[0] != '.' && folder != "stages";
  if (!plain) config_fail(mark, path + ".folder", fmt("expected a folder name inside the run's folder, got \"{}\"", folder));
  for (size_t i = 0; i < formats.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (formats[i] == formats[j]) config_fail(mark, path + ".formats", fmt("\"{}\" stands twice", enum_name(formats[i])));
}

void ExportStage::check(Job& job) {
  PARE_CHECK(sample_data(job) != nullptr, ConfigError, "[export] expected data.train to verify the written files with, got none");
  PARE_CHECK(!config_.verify.max_metric_drop || job.eval_data, ConfigError,
             "[export] expected data.eval, which verify.max_metric_drop is measured on, got none");
}

std::vector<std::string> ExportStage::plan(Job& job) {
  return {fmt("writes {} into {}/", join(format_names(config_), ", "), config_.folder),
          fmt("verifies them on {} golden samples and {} {} images", config_.golden, config_.verify.samples,
              job.holdout_data ? "held-out" : "training")};
}

void ExportStage::run(Job& job) {
  const std::string folder = job.folder + "/" + config_.folder;
  const FrozenModel frozen = freeze_job_model(*job.model, job, config_.golden);
  ArtifactOptions options;
  options.formats = format_names(config_);
  options.opset = config_.opset;
  options.strip = config_.strip;
  if (job.communicator->is_main()) {
    const Manifest manifest = write_artifact(frozen, folder, options);
    for (const auto& caveat : manifest.caveats) job.sink.line("note: " + caveat);
    VerifyOptions verify;
    verify.threads = job.threads;
    verify.kernels = job.registry->kernels;
    const VerifyReport report = verify_artifact(frozen, folder, sample_source(job, config_.verify.samples), verify, job.registry->ops);
    for (const auto& row : report.contestants)
      job.sink.line(fmt("verified {}: {} rows, relative error {}, top-1 agreement {}", row.what, row.rows, row.relative_error, row.top1_agreement));
    job.results["verification"] = report.to_json();
    for (const auto& file : manifest.files) job.stage_files.push_back(config_.folder + "/" + file.name);
    job.stage_files.push_back(config_.folder + "/manifest.json");
  }
  job.communicator->barrier();
  Json& result = job.results["export"];
  result = {{"folder", config_.folder}, {"model", config_.folder + "/model.pare"}};
  if (config_.verify.max_metric_drop) result["max_metric_drop"] = *config_.verify.max_metric_drop;
}

}  // namespace pare
