#include "export/verify.h"

#include <cstdio>

#include "core/format/pare_file.h"
#include "core/import/onnx_import.h"
#include "core/runtime/executor.h"
#include "export/compare.h"
#include "export/manifest.h"

namespace pare {
namespace {

struct Contestant {
  std::string what;
  Executor executor;
  Comparison comparison;
};

bool is_quantized(const Graph& graph) {
  for (NodeId id : graph.order())
    if (graph.node(id).op == "QuantizeLinear") return true;
  return false;
}

std::vector<Contestant> contestants_of(const FrozenModel& model, const std::string& folder,
                                       const VerifyOptions& options, const OpTable& ops) {
  std::vector<Contestant> out;
  const auto add = [&](const std::string& what, FrozenModel frozen, bool fuse = true) {
    out.push_back(
        {what,
         Executor(std::move(frozen), {.threads = options.threads, .fuse_integer = fuse}, ops, options.kernels),
         {}});
  };
  add("executor, unfused", model, false);
  add("executor", model);
  if (folder.empty()) return out;
  for (const auto& file : load_manifest(folder).files) {
    const std::string path = folder + "/" + file.name;
    if (file.format == "pare") add(file.name, load_pare(path));
    if (file.format == "onnx") add(file.name, import_onnx(path, ops));
  }
  return out;
}

double top1_hits(const Tensor& output, const std::vector<int64_t>& labels) {
  const auto rows = argmax_rows(output);
  PARE_CHECK(rows.size() == labels.size(), ModelError, "[verify] expected a label a row, got {} for {}", labels.size(),
             rows.size());
  double hits = 0;
  for (size_t i = 0; i < rows.size(); ++i) hits += rows[i] == labels[i];
  return hits;
}

void run_batch(const VerifyBatch& batch, const MetricSum& metric, std::vector<Contestant>& contestants,
               Comparison& reference) {
  std::vector<std::vector<Tensor>> outputs;
  for (auto& contestant : contestants) outputs.push_back(contestant.executor.run(batch.inputs));
  const auto& wanted = batch.outputs.empty() ? outputs.front() : batch.outputs;
  const auto count = static_cast<int64_t>(batch.labels.size());
  if (count > 0) reference.add_metric(metric(wanted.at(0), batch.labels), count);
  for (size_t i = 0; i < contestants.size(); ++i) {
    contestants[i].comparison.add(wanted, outputs[i]);
    if (count > 0) contestants[i].comparison.add_metric(metric(outputs[i].at(0), batch.labels), count);
  }
}

std::string number(double value, const char* pattern) {
  char text[40];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

// The bytes that were checked are the bytes that the manifest names.
void check_hashes(const std::string& folder, const Manifest& manifest) {
  for (const auto& file : manifest.files) {
    const ArtifactFile now = describe_file(folder, file.name, file.format);
    PARE_CHECK(now.bytes == file.bytes && now.xxh64 == file.xxh64, VerifyError,
               "[verify] expected \"{}/{}\" as the manifest describes it, got other content", folder, file.name);
  }
}

}  // namespace

bool VerifyReport::passed() const {
  for (const auto& row : contestants)
    if (!row.passed) return false;
  return true;
}

Json VerifyReport::to_json() const {
  Json out = {{"passed", passed()}, {"quantized", quantized}};
  if (reference_metric) out["reference_metric"] = *reference_metric;
  out["contestants"] = Json::array();
  for (const auto& row : contestants) {
    Json entry = {{"what", row.what},
                  {"rows", row.rows},
                  {"max_abs_error", row.max_abs_error},
                  {"relative_error", row.relative_error},
                  {"snr_db", row.snr_db},
                  {"top1_agreement", row.top1_agreement},
                  {"passed", row.passed}};
    if (row.metric) entry["metric"] = *row.metric;
    if (!row.reason.empty()) entry["reason"] = row.reason;
    out["contestants"].push_back(std::move(entry));
  }
  return out;
}

std::vector<std::vector<std::string>> VerifyReport::table() const {
  std::vector<std::vector<std::string>> out = {
      {"contestant", "rows", "max error", "of range", "SNR dB", "top-1 equal", "metric", "verdict"}};
  for (const auto& row : contestants)
    out.push_back({row.what, std::to_string(row.rows), number(row.max_abs_error, "%.3g"),
                   number(row.relative_error, "%.2g"), number(row.snr_db, "%.1f"),
                   number(100.0 * row.top1_agreement, "%.2f %%"), row.metric ? number(*row.metric, "%.4f") : "",
                   row.passed ? "ok" : row.reason});
  return out;
}

VerifyReport verify_outputs(const FrozenModel& model, const std::string& folder, const SampleSource& source,
                            const VerifyOptions& options, const OpTable& ops) {
  std::vector<Contestant> contestants = contestants_of(model, folder, options, ops);
  const MetricSum metric = options.metric ? options.metric : top1_hits;
  Comparison reference;
  int64_t batches = 0;
  for (const auto& sample : model.golden) {
    run_batch({sample.inputs, sample.outputs, {}}, metric, contestants, reference);
    ++batches;
  }
  for (VerifyBatch batch; source && source(batch); batch = {}) {
    run_batch(batch, metric, contestants, reference);
    ++batches;
  }
  PARE_CHECK(batches > 0, ModelError, "[verify] expected golden samples or other inputs to compare on, got none");
  VerifyReport report;
  report.quantized = is_quantized(model.graph);
  report.reference_metric = reference.metric();
  for (const auto& contestant : contestants)
    report.contestants.push_back(
        contestant.comparison.finish(contestant.what, report.quantized, options.limits, report.reference_metric));
  return report;
}

VerifyReport verify_artifact(const FrozenModel& model, const std::string& folder, const SampleSource& source,
                             const VerifyOptions& options, const OpTable& ops) {
  Manifest manifest = load_manifest(folder);
  VerifyReport report;
  try {
    check_hashes(folder, manifest);
    report = verify_outputs(model, folder, source, options, ops);
  } catch (const Error& error) {  // a file that cannot be read back is no artifact either
    manifest.status = "unverified";
    manifest.verification = {{"passed", false}, {"reason", error.what()}};
    save_manifest(folder, manifest);
    throw;
  }
  manifest.status = report.passed() ? "verified" : "unverified";
  manifest.verification = report.to_json();
  save_manifest(folder, manifest);
  std::vector<std::string> failures;
  for (const auto& row : report.contestants)
    if (!row.passed) failures.push_back(row.what + ": " + row.reason);
  PARE_CHECK(failures.empty(), VerifyError, "[verify] expected \"{}\" to answer as the model does, got {}", folder,
             join(failures, "; "));
  return report;
}

}  // namespace pare
