#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/job/job.h"
#include "core/job/registry.h"

namespace pare {

enum class ExportFormat { kPare, kOnnx, kSafetensors };
template <>
struct EnumNames<ExportFormat> {
  static constexpr std::pair<ExportFormat, const char*> kNames[] = {
      {ExportFormat::kPare, "pare"}, {ExportFormat::kOnnx, "onnx"}, {ExportFormat::kSafetensors, "safetensors"}};
};

struct ExportVerifyConfig {
  int64_t samples = 256;
  std::optional<double> max_metric_drop;
  template <class V> void fields(V& v) {
    v("samples", samples, at_least(1), "training images that the written files must answer as the model does");
    v("max_metric_drop", max_metric_drop, between(0, 1), "how much top-1 on the test split may fall below the input model's, e.g. 0.01");
  }
};

struct ExportConfig {
  std::string folder = "artifact";
  std::vector<ExportFormat> formats = {ExportFormat::kPare, ExportFormat::kOnnx};
  int64_t opset = 17;
  bool strip = false;
  int64_t golden = 16;
  ExportVerifyConfig verify;
  template <class V> void fields(V& v) {
    v("folder", folder, "inside the run's folder");
    v("formats", formats, "pare, onnx, safetensors; pare is always written");
    v("opset", opset, between(13, 21), "of the ONNX file");
    v("strip", strip, "leave recipe and golden samples out of model.pare");
    v("golden", golden, between(1, 256), "inputs stored with the model's answers, for checks on a device");
    v("verify", verify, "checks of what was written");
  }
  void check(const ConfigMark& mark, const std::string& path) const;
};

/// The recipe's `export`: freezes a copy of the model (so it may stand anywhere), writes the artifact's files, reads them
/// back and compares. Files that differ are left behind marked unverified. Throws VerifyError, IoError, ModelError.
class ExportStage final : public Stage {
 public:
  explicit ExportStage(ExportConfig config) : config_(std::move(config)) {}
  Json config() const override { return config_to_json(config_); }
  void check(Job& job) override;
  std::vector<std::string> not_after() const override { return {}; }
  bool changes_model() const override { return false; }
  std::vector<std::string> plan(Job& job) override;
  void run(Job& job) override;

 private:
  ExportConfig config_;
};

/// The frozen form of the job's model with its preprocessing, labels and recipe; golden samples are drawn evenly from the
/// held-out (or training) images.
FrozenModel freeze_job_model(const Model& model, const Job& job, int64_t golden_samples);

}  // namespace pare
