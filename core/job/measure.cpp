#include "core/job/measure.h"

#include <algorithm>
#include <chrono>

#include "core/data/loader.h"
#include "core/format/pare_file.h"
#include "core/graph/stats.h"
#include "core/runtime/executor.h"

namespace pare {
namespace {

/// How many classes score higher than the label's; ties count for the lower index, as argmax does.
int64_t rank_of(const float* row, int64_t classes, int64_t label) {
  int64_t above = 0;
  for (int64_t c = 0; c < classes; ++c)
    if (row[c] > row[label] || (row[c] == row[label] && c < label)) ++above;
  return above;
}

void count_hits(const Tensor& logits, const Tensor& labels, Measurement& out) {
  PARE_CHECK(logits.rank() == 2 && logits.dim(0) == labels.numel(), ModelError,
             "[measure] expected outputs of shape [N, classes], got {}", logits.shape());
  const int64_t classes = logits.dim(1);
  const float* row = logits.data<float>();
  for (const int64_t label : labels.span<int64_t>()) {
    PARE_CHECK(label >= 0 && label < classes, DataError, "[measure] expected labels in [0, {}), got {}", classes, label);
    const int64_t rank = rank_of(row, classes, label);
    out.correct += rank == 0;
    out.correct5 += rank < 5;
    row += classes;
  }
  out.images += labels.numel();
}

// On one thread: what it costs to wake others for a small layer says more about the machine than about the model.
double median_latency(const FrozenModel& model, const OpTable& ops, const MeasureOptions& options, const Tensor& image) {
  Executor executor(model, {.threads = 1}, ops, options.kernels);
  const int runs = options.latency_runs;
  std::vector<double> times;
  for (int i = 0; i < runs + 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    executor.run({image});
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    if (i >= 3) times.push_back(took.count());  // the first ones build the plan and warm caches
  }
  std::nth_element(times.begin(), times.begin() + runs / 2, times.end());
  return times[static_cast<size_t>(runs / 2)];
}

}  // namespace

Json Measurement::to_json() const {
  Json out = {{"params", params}, {"macs", macs}, {"bytes", bytes}, {"latency_ms", latency_ms}};
  if (images > 0) {
    out["images"] = images;
    out["correct"] = correct;
    out["top1"] = top1();
    out["top5"] = static_cast<double>(correct5) / static_cast<double>(images);
  }
  return out;
}

Measurement measure(const FrozenModel& model, const DatasetPtr& data, const OpTable& ops, const MeasureOptions& options) {
  Measurement out;
  const GraphStats stats = graph_stats(model.graph, ops, {{"N", 1}});
  out.params = stats.params;
  out.macs = stats.macs;
  out.bytes = static_cast<int64_t>(serialize_pare(stripped(model)).size());
  if (!data || data->size() == 0) return out;

  Executor executor(model, {.threads = options.threads}, ops, options.kernels);
  Loader loader(data, {.batch_size = options.batch_size, .threads = options.threads});
  loader.start(0);
  Batch batch;
  for (int64_t done = 0; loader.next(batch); ++done) {
    count_hits(executor.run({batch.inputs}).at(0), batch.labels, out);
    options.sink.progress(done + 1, loader.batches(), options.name);
  }
  const Example first = data->get(0, Rng(0));
  Shape one = first.input.shape();
  one.insert(one.begin(), 1);
  out.latency_ms = median_latency(model, ops, options, first.input.reshaped(one));
  return out;
}

}  // namespace pare
