#include "core/recipe/selector.h"

#include <gtest/gtest.h>

#include "core/recipe/yaml_reader.h"

namespace pare {
namespace {

const std::vector<Selectable> kLayers = {{"conv1", "Conv", "conv1.weight"},
                                         {"layer1.0.conv1", "Conv", "layer1.0.conv1.weight"},
                                         {"layer2.0.conv1", "Conv", "layer2.0.conv1.weight"},
                                         {"linear", "Gemm", "linear.weight"}};
using Indices = std::vector<size_t>;

struct Layer {
  int64_t bits = 8;
  bool symmetric = true;
  template <class V> void fields(V& v) {
    v("bits", bits, between(2, 8), "bits");
    v("symmetric", symmetric, "symmetric");
  }
};
struct Method {
  Selector targets, ignore;
  Overrides<Layer> overrides;
  template <class V> void fields(V& v) {
    v("targets", targets, "layers");
    v("ignore", ignore, "not these");
    v("overrides", overrides, "per layer");
  }
};

Method read(const std::string& text) {
  Method out;
  read_config(read_yaml(text, "r.yaml"), "m", out);
  return out;
}

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(Selector, UnderstandsNamesGlobsExpressionsAndOperators) {
  EXPECT_EQ(Selector({"conv1"}).select(kLayers), Indices({0}));
  EXPECT_EQ(Selector({"linear.weight"}).select(kLayers), Indices({3}));
  EXPECT_EQ(Selector({"layer?.*"}).select(kLayers), Indices({1, 2}));
  EXPECT_EQ(Selector({"re:layer[12]\\."}).select(kLayers), Indices({1, 2}));
  EXPECT_EQ(Selector({"re:conv"}).select(kLayers), Indices({0})) << "expressions match from the name's start";
  EXPECT_EQ(Selector({"Conv"}).select(kLayers), Indices({0, 1, 2}));
  EXPECT_EQ(Selector({"Conv2d", "Linear"}).select(kLayers), Indices({0, 1, 2, 3}));
  EXPECT_EQ(Selector().select(kLayers), Indices());
}

TEST(Selector, TargetsAndIgnore) {
  const Method m = read("{targets: Conv, ignore: [conv1]}");
  EXPECT_EQ(select_layers(kLayers, m.targets, m.ignore), Indices({1, 2}));
  EXPECT_EQ(select_layers(kLayers, {}, m.ignore), Indices({1, 2, 3}));
  EXPECT_NE(error_of([&] { select_layers(kLayers, m.targets, Selector({"*"})); }).find("expected at least one layer"),
            std::string::npos);
}

TEST(Selector, AMissNamesThePlaceAndTheNearest) {
  const Method m = read("targets: [conv1,\n  layer1.0.conv]");
  const std::string text = error_of([&] { m.targets.select(kLayers); });
  EXPECT_NE(text.find("r.yaml:2:3: m.targets: \"layer1.0.conv\" matches no layer. Did you mean \"layer1.0.conv1\""),
            std::string::npos)
      << text;
  EXPECT_NE(error_of([&] { Selector({"zzzzzz"}).select(kLayers); }).find("Layers: conv1"), std::string::npos);
}

TEST(Selector, BadSyntaxIsRefusedWhileReading) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"targets: \"re:[\"", "is no regular expression"},
      {"targets: \"\"", "expected a name"},
      {"targets: {a: b}", "expected a layer name or a list of them, got a map"},
      {"targets: [[a]]", "expected a text, got a list"},
      {"targets: " + std::string(501, 'a'), "expected at most 500 characters"},
      {"overrides: [{bits: 4}]", "expected the key \"targets\""},
      {"overrides: {bits: 4}", "expected a list, got a map"},
      {"overrides: [{targets: a, bit: 4}]", "unknown key \"bit\""},
      {"overrides: [{targets: a, bits: 40}]", "expected in [2, 8], got 40"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_NE(error_of([&] { read(text); }).find(message), std::string::npos)
        << text << ": " << error_of([&] { read(text); });
}

TEST(Selector, OverridesChangeOnlyTheirFields) {
  const Method m = read("overrides: [{targets: Conv, symmetric: false}, {targets: conv1, bits: 4}]");
  const Layer base{6, true};
  EXPECT_EQ(m.overrides.resolve(base, kLayers[0]).bits, 4);
  EXPECT_FALSE(m.overrides.resolve(base, kLayers[0]).symmetric);
  EXPECT_EQ(m.overrides.resolve(base, kLayers[1]).bits, 6);
  EXPECT_TRUE(m.overrides.resolve(base, kLayers[3]).symmetric);
  EXPECT_EQ(config_to_json(m)["overrides"][1].dump(), R"({"bits":4,"targets":["conv1"]})");
}

TEST(Selector, SchemaAndResolvedFormExist) {
  const Json schema = config_schema(Method{});
  EXPECT_EQ(schema["properties"]["targets"]["oneOf"].size(), 2u);
  EXPECT_TRUE(schema["properties"]["overrides"]["items"]["properties"].contains("bits"));
  EXPECT_EQ(config_to_json(read("targets: a"))["targets"].dump(), R"(["a"])");
}

TEST(Selector, ListsTheNodesOfAGraph) {
  Graph graph;
  const auto x = graph.add_input("x", DType::kF32, to_dims({1, 3}));
  const auto w = graph.add_constant("fc.weight", Role::kParameter, DType::kF32, {4, 3});
  const auto y = graph.add("Gemm", "fc", {x, w}, {{"transB", int64_t{1}}});
  graph.set_outputs({graph.add("Relu", "relu", {y})});
  const auto rows = selectable_nodes(graph, {"Gemm"});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].param, "fc.weight");
  EXPECT_EQ(selectable_nodes(graph).size(), 2u);
}

}  // namespace
}  // namespace pare
