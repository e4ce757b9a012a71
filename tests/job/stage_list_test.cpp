#include "core/job/stage_list.h"

#include <gtest/gtest.h>

#include "core/job/schema.h"
#include "core/recipe/yaml_reader.h"

namespace pare {
namespace {

struct SmallConfig {
  double amount = 0.5;
  template <class V> void fields(V& v) { v("amount", amount, between(0, 1), "how much"); }
};
class SmallStage : public Stage {
 public:
  explicit SmallStage(SmallConfig config) : config_(config) {}
  Json config() const override { return config_to_json(config_); }
  std::vector<std::string> plan(Job&) override { return {}; }
  void run(Job&) override {}

 private:
  SmallConfig config_;
};
class LateStage final : public SmallStage {
 public:
  using SmallStage::SmallStage;
  std::vector<std::string> not_after() const override { return {}; }
};
struct TrainLike {
  std::vector<ConfigNode> with;
  template <class V> void fields(V& v) { v("with", with, "modifiers"); }
};
class TrainLikeStage final : public Stage {
 public:
  explicit TrainLikeStage(TrainLike) {}
  Json config() const override { return {}; }
  std::vector<std::string> plan(Job&) override { return {}; }
  void run(Job&) override {}
};
class Nudge final : public Modifier {
 public:
  Nudge(SmallConfig, Job&) {}
  std::string holder() const override { return "nudge"; }
};

Registry registry() {
  Registry out;
  out.add_stage<SmallStage, SmallConfig>("prune.small", "removes a little");
  out.add_stage<LateStage, SmallConfig>("export", "writes");
  out.add_stage<SmallStage, SmallConfig>("quant.small", "quantizes");
  out.add_stage<TrainLikeStage, TrainLike>("train", "trains");
  out.add_modifier<Nudge, SmallConfig>("distill.nudge", "nudges");
  return out;
}

Recipe recipe(const std::string& stages) {
  return read_recipe(read_yaml("pare: 1\nname: a\nmodel: {zoo: mlp}\nstages: " + stages + "\n", "r.yaml"));
}

TEST(StageList, ReadsTypedConfigs) {
  const auto stages = read_stages(recipe("[{prune.small: {amount: 0.25}}, export]"), registry());
  ASSERT_EQ(stages.size(), 2u);
  EXPECT_EQ(stages[0].stage->config()["amount"], 0.25);
  EXPECT_EQ(stages[1].stage->config()["amount"], 0.5);
}

TEST(StageList, BadListsNameThePlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[exprot]", "r.yaml:4:10: stages[0].exprot: unknown stage \"exprot\". Did you mean \"export\"?"},
      {"[prune.smal]", "Did you mean \"prune.small\""},
      {"[distill.nudge]", "expected a stage, got the modifier \"distill.nudge\""},
      {"[{prune.small: {amont: 1}}]", "stages[0].prune.small: unknown key \"amont\". Did you mean \"amount\"?"},
      {"[{prune.small: {amount: 2}}]", "stages[0].prune.small.amount: expected in [0, 1], got 2"},
      {"[{prune.small: [0.5]}]", "stages[0].prune.small: expected a map, got a list"},
      {"[quant.small, prune.small]", "stages[1].prune.small: expected to stand before quant.small"},
      {"[quant.small, export, quant.small]", "stages[2].quant.small: expected to stand before quant.small"},
  };
  for (const auto& [stages, message] : cases) {
    try {
      read_stages(recipe(stages), registry());
      ADD_FAILURE() << "accepted: " << stages;
    } catch (const ConfigError& e) {
      EXPECT_NE(std::string(e.what()).find(message), std::string::npos) << e.what() << "\n  expected: " << message;
    }
  }
}

TEST(StageList, ExportMayStandAnywhere) {
  EXPECT_EQ(read_stages(recipe("[export, prune.small, export, quant.small, export]"), registry()).size(), 5u);
}

TEST(Schema, HoldsEveryStageAndModifier) {
  const Json schema = recipe_schema(registry());
  EXPECT_EQ(schema["properties"]["pare"]["const"], 1);
  EXPECT_TRUE(schema["properties"]["data"]["properties"]["train"]["properties"].contains("images"));
  const Json& choices = schema["properties"]["stages"]["items"]["oneOf"];
  ASSERT_EQ(choices.size(), 5u);
  EXPECT_EQ(choices[0]["enum"].size(), 4u);
  bool with_nudge = false;
  for (const Json& choice : choices)
    if (choice.contains("properties") && choice["properties"].contains("train"))
      with_nudge = choice.dump().find("distill.nudge") != std::string::npos;
  EXPECT_TRUE(with_nudge);
}

}  // namespace
}  // namespace pare
