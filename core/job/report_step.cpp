#include "core/job/report_step.h"

#include "core/format/pare_file.h"
#include "core/job/measure.h"
#include "core/job/model_source.h"
#include "core/job/stages/export_stage.h"
#include "export/manifest.h"
#include "export/report.h"

namespace pare {
namespace {

constexpr const char* kStep = "report";

MeasureOptions options_for(const Job& job, const std::string& name) {
  MeasureOptions out;
  out.threads = job.threads;
  out.sink = job.sink;
  out.name = name;
  if (job.registry) out.kernels = job.registry->kernels;
  return out;
}

/// The written file where there is one, else the model as it stands.
FrozenModel final_model(const Job& job) {
  if (!job.results.contains("export")) return freeze_job_model(*job.model, job, 0);
  return load_pare(job.folder + "/" + job.results["export"]["model"].get<std::string>());
}

Json make_report(Job& job) {
  job.sink.line("measuring the input model and the result on the test split");
  Json report = {{"name", job.resolved_recipe["name"]}, {"pare_version", kVersion}, {"target", job.target}};
  const OpTable& ops = job.registry->ops;
  const FrozenModel before = freeze_job_model(*job.input_model, job, 0), after = final_model(job);
  report["before"] = measure(before, job.eval_data, ops, options_for(job, "input model")).to_json();
  report["after"] = measure(after, job.eval_data, ops, options_for(job, "result")).to_json();
  report["layers"] = layer_table(before, after, ops);
  if (job.results.contains("verification")) report["verification"] = job.results["verification"];
  report["results"] = job.results;
  report["recipe"] = job.resolved_recipe;
  return report;
}

/// Text of a failed limit on the metric, or empty.
std::string limit_failure(const Json& report, const Json& results) {
  if (!results.contains("export") || !results["export"].contains("max_metric_drop") || !report["before"].contains("top1")) return "";
  const double drop = report["before"]["top1"].get<double>() - report["after"]["top1"].get<double>();
  const double limit = results["export"]["max_metric_drop"];
  if (drop <= limit) return "";
  return fmt("[verify] expected top-1 at most {} below the input model's, got {} (model.pare on {} test images). "
             "Raise export.verify.max_metric_drop or compress less", limit, drop, report["after"]["images"].get<int64_t>());
}

/// The artifact must not look verified when its metric is not.
void mark_unverified(const Job& job, const std::string& why) {
  const std::string folder = job.folder + "/" + job.results["export"]["folder"].get<std::string>();
  Manifest manifest = load_manifest(folder);
  manifest.status = "unverified";
  manifest.verification["metric"] = why;
  save_manifest(folder, manifest);
}

}  // namespace

Json report_step(Job& job, Journal& journal, size_t index, const std::string& key) {
  Json report;
  if (const auto done = journal.find(index, kStep, key)) {
    report = *done;
  } else {
    journal.begin(index, kStep, key);
    report = make_report(job);
    write_report(job.folder, report);
    journal.commit(index, kStep, key, report, {"report.json", "report.html"});
  }
  const std::string failure = limit_failure(report, job.results);
  if (!failure.empty()) mark_unverified(job, failure);
  PARE_CHECK(failure.empty(), VerifyError, "{}", failure);
  return report;
}

}  // namespace pare
