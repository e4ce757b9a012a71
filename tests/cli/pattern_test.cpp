// The whole road of kernel patterns: ADMM with distillation, masked training, integers, a verified file that stores patterns.
#include <gtest/gtest.h>

#include "core/base/config_write.h"
#include "core/base/file.h"
#include "tests/cli/program.h"

namespace pare {
namespace {

TEST(PatternRecipe, EndsInAVerifiedFileThatStoresPatterns) {
  const TemporaryFolder folder;
  const ProgramResult run = run_pare(
      {"run", "configs/pattern_int8_resnet20.yaml", "--threads", "1", "-o", folder.file("run"), "data.train.limit=160",
       "data.train.holdout=32", "data.eval.limit=32", "stages.0.train.epochs=1", "stages.0.train.batch_size=32",
       "stages.0.train.with.0.prune.pattern.admm.epochs=0.5", "stages.quant.ptq.calibration.samples=32",
       "stages.export.verify.samples=8", "stages.export.verify.max_metric_drop=1"});
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_NE(run.err.find("admm update 1"), std::string::npos) << run.err;
  EXPECT_EQ(Json::parse(read_file(folder.file("run/artifact/manifest.json")))["verified"], true);
  const std::string stored = read_file(folder.file("run/artifact/model.pare"));
  size_t layers = 0;
  const std::string layout = R"(\"layout\":\"pattern\")";  // JSON in a string of the header
  for (size_t at = stored.find(layout); at != std::string::npos; at = stored.find(layout, at + 1)) ++layers;
  EXPECT_EQ(layers, 18u);
}

}  // namespace
}  // namespace pare
