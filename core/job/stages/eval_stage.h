#pragma once

#include "core/job/job.h"
#include "core/job/registry.h"

namespace pare {

struct EvalStageConfig {
  int64_t batch_size = 256;
  template <class V> void fields(V& v) { v("batch_size", batch_size, at_least(1), "images a forward pass"); }
};

/// The recipe's `eval`: top-1 of the model as it stands, on the held-out training images (on the training images where
/// none are held out). The test split stays unread until the end of the run.
class EvalStage final : public Stage {
 public:
  explicit EvalStage(EvalStageConfig config) : config_(config) {}
  Json config() const override { return config_to_json(config_); }
  void check(Job& job) override;
  std::vector<std::string> not_after() const override { return {}; }
  bool changes_model() const override { return false; }
  std::vector<std::string> plan(Job& job) override;
  void run(Job& job) override;

 private:
  EvalStageConfig config_;
};

}  // namespace pare
