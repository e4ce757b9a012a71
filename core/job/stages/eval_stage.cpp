#include "core/job/stages/eval_stage.h"

#include "core/train/evaluate.h"

namespace pare {
namespace {

const DatasetPtr& data_of(const Job& job) { return job.holdout_data ? job.holdout_data : job.plain_train_data; }
const char* part_of(const Job& job) { return job.holdout_data ? "held-out" : "training"; }

}  // namespace

void EvalStage::check(Job& job) {
  PARE_CHECK(data_of(job) != nullptr, ConfigError, "[eval] expected data.train, got none. The test split is measured at the end of every run");
}

std::vector<std::string> EvalStage::plan(Job& job) {
  return {fmt("top-1 on {} {} images", with_commas(data_of(job)->size()), part_of(job))};
}

void EvalStage::run(Job& job) {
  const EvalResult result = evaluate(*job.model, data_of(job), config_.batch_size, job.threads);
  job.results[job.stage_key] = {{"on", part_of(job)}, {"images", result.count}, {"correct", result.correct}, {"top1", result.top1_rate()},
                                {"top5", result.top5_rate()}, {"loss", result.mean_loss()}};
  char text[64];
  std::snprintf(text, sizeof text, "%.2f %%", 100 * result.top1_rate());
  job.sink.line(fmt("top-1 {} on {} {} images", text, with_commas(result.count), part_of(job)));
}

}  // namespace pare
