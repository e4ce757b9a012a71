#pragma once

#include <string>

#include "core/base/config_write.h"
#include "core/data/dataset.h"
#include "core/format/frozen.h"
#include "core/graph/op.h"
#include "core/job/job.h"
#include "core/runtime/kernel.h"

namespace pare {

/// What a report says about one model file.
struct Measurement {
  int64_t images = 0, correct = 0, correct5 = 0;
  int64_t params = 0, macs = 0;    ///< MACs of one image
  int64_t bytes = 0;               ///< of the stripped .pare file
  double latency_ms = 0;           ///< median of one image on the executor, one thread
  double top1() const { return images ? static_cast<double>(correct) / static_cast<double>(images) : 0; }
  Json to_json() const;
};

struct MeasureOptions {
  int threads = 1;
  int64_t batch_size = 64;
  int latency_runs = 30;
  ReportSink sink;
  std::string name;    ///< for the progress line
  KernelTable kernels = builtin_kernels();   ///< with those of a program's own operators
};

/// Runs a frozen model with the executor, no libtorch involved: top-1 and top-5 over `data` (null: no images), size of the
/// stripped file, MACs and latency. Throws ModelError or DataError when model and data do not fit.
Measurement measure(const FrozenModel& model, const DatasetPtr& data, const OpTable& ops, const MeasureOptions& options);

}  // namespace pare
