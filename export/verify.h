#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/config_write.h"
#include "core/format/frozen.h"
#include "core/graph/op.h"
#include "core/runtime/kernel.h"

namespace pare {

/// Inputs in graph order (one or several rows each) with what is known about them. Plain host buffers.
struct VerifyBatch {
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;   ///< what the model gave on the training side; empty: the unfused executor is the reference
  std::vector<int64_t> labels;   ///< one a row, or empty
};
/// Gives the next batch, or false at the end. Called once per batch.
using SampleSource = std::function<bool(VerifyBatch&)>;
/// Sum over the batch's rows of a score in [0, 1] (1: right), given the first output and the labels.
using MetricSum = std::function<double(const Tensor& output, const std::vector<int64_t>& labels)>;

/// How far outputs may differ. A model with QuantizeLinear nodes is held to the quantized limits, others to the float one.
struct VerifyLimits {
  double max_relative_error = 1e-4;       ///< float: largest absolute error over the range of the reference outputs
  double min_snr_db = 40.0;               ///< quantized
  double min_top1_agreement = 0.995;      ///< quantized: rows whose largest output is the same
  std::optional<double> max_metric_drop;  ///< both, when labels are there
};

struct VerifyOptions {
  VerifyLimits limits;
  int threads = 1;
  MetricSum metric;   ///< default: the largest value of the first output is the label's
  KernelTable kernels = builtin_kernels();   ///< of the executors, with those of a program's own operators
};

/// One contestant against the reference outputs.
struct VerifyRow {
  std::string what;             ///< "executor", "executor, unfused", "model.pare", "model.onnx"
  int64_t rows = 0;
  double max_abs_error = 0, relative_error = 0;  ///< relative to the range of the reference outputs
  double snr_db = 0;            ///< capped at 200
  double top1_agreement = 1;
  std::optional<double> metric; ///< mean over labelled rows
  bool passed = true;
  std::string reason;           ///< which limit failed
};

struct VerifyReport {
  bool quantized = false;
  std::optional<double> reference_metric;
  std::vector<VerifyRow> contestants;
  bool passed() const;
  Json to_json() const;
  /// Header and rows of text, for a table on a terminal.
  std::vector<std::vector<std::string>> table() const;
};

/// Runs the frozen model (integer kernels, and as written) and each model file of the artifact read back (.pare, .onnx) on
/// the model's golden samples and then on `source`, and compares with the reference outputs.
/// `folder` may be "" (no files). Throws ModelError when there is nothing to compare.
VerifyReport verify_outputs(const FrozenModel& model, const std::string& folder, const SampleSource& source = {},
                            const VerifyOptions& options = {}, const OpTable& ops = builtin_ops());

/// `verify_outputs`, then marks the artifact's manifest verified or unverified with the report.
/// Throws VerifyError naming the failed limits after the manifest is written; also when a file's hash is not the manifest's.
VerifyReport verify_artifact(const FrozenModel& model, const std::string& folder, const SampleSource& source = {},
                             const VerifyOptions& options = {}, const OpTable& ops = builtin_ops());

}  // namespace pare
