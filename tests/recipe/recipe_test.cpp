#include "core/recipe/recipe.h"

#include <gtest/gtest.h>

#include "core/recipe/overrides.h"
#include "core/recipe/yaml_reader.h"

namespace pare {
namespace {

const char* const kGood = R"(pare: 1
name: demo
seed: 17
target: ort
model: {zoo: resnet20, classes: 10, weights: ../w.safetensors}
data:
  train: {images: a.tar.gz}
stages:
  - train:
      epochs: 3
      with:
        - prune.magnitude: {sparsity: 0.5}
  - quant.ptq: {weights: {num_bits: 8}}
  - export
)";

Recipe parse(const std::string& text, const std::vector<std::string>& overrides = {}) {
  ConfigNode root = read_yaml(text, "r.yaml");
  apply_overrides(root, overrides);
  return read_recipe(root, "configs");
}

TEST(Recipe, ReadsTheFrame) {
  const Recipe recipe = parse(kGood);
  EXPECT_EQ(recipe.name, "demo");
  EXPECT_EQ(recipe.seed, 17);
  EXPECT_EQ(recipe.model.zoo, "resnet20");
  EXPECT_EQ(recipe.resolve(recipe.model.weights), "w.safetensors");
  EXPECT_EQ(recipe.resolve("/abs/x"), "/abs/x");
  const auto specs = recipe.specs();
  ASSERT_EQ(specs.size(), 3u);
  EXPECT_EQ(specs[1].name, "quant.ptq");
  EXPECT_EQ(specs[1].path, "stages[1].quant.ptq");
  EXPECT_EQ(specs[2].name, "export");
  EXPECT_TRUE(specs[2].config.is_null());
  EXPECT_EQ(specs[0].mark.line, 9);
  EXPECT_EQ(specs[0].mark.column, 5);
}

TEST(Recipe, AnchorsAndMergeKeysExpand) {
  const auto root = read_yaml("base: &b {x: 1, y: 2}\nother: {<<: *b, y: 3}\nlist: {<<: [{z: 4}, *b]}\nalias: *b\n", "r.yaml");
  EXPECT_EQ(config_node_to_json(root).dump(),
            R"({"base":{"x":1,"y":2},"other":{"y":3,"x":1},"list":{"z":4,"x":1,"y":2},"alias":{"x":1,"y":2}})");
}

TEST(Recipe, QuotedScalarsStayTexts) {
  const auto root = read_yaml("a: \"1\"\nb: 1\nc: '~'\nd: ~\n", "r.yaml");
  EXPECT_EQ(config_node_to_json(root).dump(), R"({"a":"1","b":1,"c":"~","d":null})");
}

TEST(Overrides, ReachEveryPlace) {
  const Recipe recipe = parse(kGood, {"seed=3", "stages.0.train.epochs=1", "stages[0].train.with[0].prune.magnitude.sparsity=0.25",
                                      "stages.quant.ptq.weights.num_bits=4", "stages.export.formats=[pare]",
                                      "data.train.limit=100", "model.weights=", "data.eval={images: b}"});
  EXPECT_EQ(recipe.seed, 3);
  EXPECT_EQ(config_node_to_json(recipe.stages[0]).dump(),
            R"({"train":{"epochs":1,"with":[{"prune.magnitude":{"sparsity":0.25}}]}})");
  EXPECT_EQ(config_node_to_json(recipe.stages[1]).dump(), R"({"quant.ptq":{"weights":{"num_bits":4}}})");
  EXPECT_EQ(config_node_to_json(recipe.stages[2]).dump(), R"({"export":{"formats":["pare"]}})");
  EXPECT_EQ(recipe.data.train.find("limit")->scalar, "100");
  EXPECT_EQ(recipe.data.eval.find("images")->scalar, "b");
}

TEST(Overrides, SeveralStagesOfANameNeedAnIndex) {
  const std::string text = "pare: 1\nname: a\nmodel: {zoo: mlp}\nstages:\n  - train: {epochs: 1}\n  - train: {epochs: 2}\n";
  EXPECT_THROW(parse(text, {"stages.train.epochs=3"}), ConfigError);
  EXPECT_EQ(parse(text, {"stages.1.train.epochs=3"}).stages[1].entries[0].second.find("epochs")->scalar, "3");
}


std::string replaced(std::string from, std::string to) {
  std::string text = kGood;
  text.replace(text.find(from), from.size(), to);
  return text;
}

TEST(Recipe, BadRecipesGiveOneLineWithAPosition) {
  struct Case {
    std::string text;
    std::string message;
  };
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += fmt("a{}: &a{} [", i, i);
    for (int j = 0; j < 10; ++j) bomb += fmt("{}*a{}", j ? ", " : "", i - 1);
    bomb += "]\n";
  }
  const std::vector<Case> cases = {
      {"", "expected a recipe"},
      {"- a\n", "r.yaml:1:1: expected a recipe"},
      {"just text", "expected a recipe"},
      {"name: x\n", "expected \"pare: 1\""},
      {"pare: 2\n", "r.yaml:1:7: pare: expected version 1, got 2"},
      {"pare: one\n", "r.yaml:1:7: pare: expected an integer, got \"one\""},
      {"pare: 1\nname: a\n", "expected the key \"model\""},
      {"pare: 1\nname: a\nmodel: {zoo: mlp}\n", "expected the key \"stages\""},
      {"pare: 1\nmodel: {zoo: mlp}\nstages: [export]\n", "expected the key \"name\""},
      {"pare: 1\nname: a\nmodel: {zoo: mlp}\nstages: []\n", "r.yaml:4:9: stages: expected at least one stage"},
      {replaced("seed: 17", "sed: 17"), "r.yaml:3:1: unknown key \"sed\". Did you mean \"seed\"?"},
      {replaced("seed: 17", "seed: 1\nseed: 2"), "r.yaml:4:1: duplicate key \"seed\" (first on line 3)"},
      {replaced("seed: 17", "seed: -1"), "r.yaml:3:7: seed: expected >= 0, got -1"},
      {replaced("seed: 17", "seed: 1.5"), "seed: expected an integer, got \"1.5\""},
      {replaced("seed: 17", "seed: 99999999999999999999"), "seed: expected an integer"},
      {replaced("seed: 17", "seed: \"17\""), "seed: expected an integer"},
      {replaced("seed: 17", "seed: [1]"), "seed: expected an integer, got a list"},
      {replaced("name: demo", "name: ../up"), "r.yaml:2:7: name: expected letters, digits"},
      {replaced("name: demo", "name: .."), "name: expected letters, digits"},
      {replaced("name: demo", "name: {a: 1}"), "name: expected a text, got a map"},
      {replaced("target: ort", "target: onnx"), "target: expected one of ort, trt, ncnn, pare, got \"onnx\""},
      {replaced("zoo: resnet20", "zooo: resnet20"), "model: unknown key \"zooo\". Did you mean \"zoo\"?"},
      {replaced("zoo: resnet20", "zoo: a, onnx: b"), "r.yaml:5:8: model: expected exactly one of zoo, pare, onnx, pt2, torchscript, checkpoint, got 2"},
      {replaced("zoo: resnet20", "zoo: resnet20, input: [1x3]"), "r.yaml:5:8: model: expected \"input\" with \"torchscript\" only"},
      {replaced("model: {zoo: resnet20, classes: 10, weights: ../w.safetensors}", "model:"), "model: expected exactly one of"},
      {replaced("classes: 10", "classes: -10"), "model.classes: expected >= 0, got -10"},
      {replaced("  train: {images: a.tar.gz}", "  trian: {images: a.tar.gz}"), "data: unknown key \"trian\". Did you mean \"train\"?"},
      {replaced("  - export", "  - {export: {}, train: {}}"), "stages[2]: expected one stage, got 2 keys"},
      {replaced("  - export", "  - [export]"), "stages[2]: expected a stage, as a name or a map with one key, got a list"},
      {replaced("  - export", "  -"), "stages[2]: expected a stage, as a name or a map with one key, got nothing"},
      {replaced("seed: 17", "seed: !!int 17"), "expected plain YAML, got the tag"},
      {replaced("seed: 17", "seed: !import x"), "expected plain YAML, got the tag"},
      {replaced("seed: 17", "[a]: 17"), "expected a text as key"},
      {replaced("seed: 17", "? {a: b}\n: 17"), "expected a text as key"},
      {replaced("seed: 17", "seed: *nobody"), "bad YAML"},
      {replaced("seed: 17", "seed: \"17"), "seed: expected an integer, got \"17 target: ort"},
      {replaced("seed: 17", "\tseed: 17"), "bad YAML"},
      {replaced("seed: 17", "seed: {a: [}"), "bad YAML"},
      {replaced("seed: 17", "<<: 3"), "expected an alias of a map"},
      {std::string(kGood) + "---\npare: 1\n", "expected one YAML document"},
      {"a: " + deep, "expected at most 64 levels"},
      {"a: &x [*x]\n", "an alias stands inside its own anchor"},
      {bomb, "expected at most 100000 values"},
      {std::string("pare: 1\n\0x", 10), "expected a text file, got binary data"},
      {std::string(kMaxRecipeBytes + 1, ' '), "expected at most 1048576 bytes"},
  };
  for (const Case& c : cases) {
    try {
      parse(c.text);
      ADD_FAILURE() << "accepted: " << c.text.substr(0, 200);
    } catch (const ConfigError& e) {
      const std::string what = e.what();
      EXPECT_NE(what.find(c.message), std::string::npos) << what << "\n  expected: " << c.message;
      EXPECT_EQ(what.find('\n'), std::string::npos) << what;
    }
  }
}

TEST(Overrides, BadOnesNameThemselves) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"seed", "override \"seed\": expected key=value"},
      {"=3", "expected key=value"},
      {"seed..x=3", "expected a dotted path"},
      {"stages.7.train.epochs=1", "index 7 of \"stages\" is out of range: it has 3 items"},
      {"stages.trian.epochs=1", "\"stages\" has no item \"trian\". Did you mean \"train\"?"},
      {"sed=3", "override \"sed=3\": unknown key \"sed\". Did you mean \"seed\"?"},
      {"seed=abc", "override \"seed=abc\": seed: expected an integer, got \"abc\""},
      {"seed=[a, }", "bad YAML"},
      {"name=", "name: expected letters, digits"},
      {"pare.x.y=3", "pare: expected an integer, got a map"},
  };
  for (const auto& [text, message] : cases) {
    try {
      parse(kGood, {text});
      ADD_FAILURE() << "accepted: " << text;
    } catch (const ConfigError& e) {
      EXPECT_NE(std::string(e.what()).find(message), std::string::npos) << e.what() << "\n  expected: " << message;
    }
  }
}

}  // namespace
}  // namespace pare
