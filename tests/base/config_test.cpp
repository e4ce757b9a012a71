#include <gtest/gtest.h>

#include "core/base/config_read.h"
#include "core/base/config_write.h"

namespace pare {

enum class Shade { kLight, kDark };
template <>
struct EnumNames<Shade> {
  static constexpr std::pair<Shade, const char*> kNames[] = {{Shade::kLight, "light"}, {Shade::kDark, "dark"}};
};

namespace {

struct Sgd {
  static constexpr const char* kName = "sgd";
  double lr = 0.1;
  double momentum = 0.9;
  template <class V>
  void fields(V& v) {
    v("lr", lr, greater_than(0), "learning rate");
    v("momentum", momentum, below(0, 1), "momentum");
  }
};
struct Adam {
  static constexpr const char* kName = "adam";
  double lr = 0.001;
  template <class V>
  void fields(V& v) {
    v("lr", lr, greater_than(0), "learning rate");
  }
};
struct Train {
  int64_t epochs = 3;
  bool nesterov = false;
  std::string name = "run";
  Shade shade = Shade::kLight;
  std::vector<int64_t> steps;
  std::optional<double> clip;
  std::map<std::string, double> weights;
  std::variant<Sgd, Adam> optimizer;
  template <class V>
  void fields(V& v) {
    v("epochs", epochs, at_least(1), "passes over the data");
    v("nesterov", nesterov, "look ahead");
    v("name", name, "of the run");
    v("shade", shade, "an enum");
    v("steps", steps, at_least(0), "epochs at which the rate drops");
    v("clip", clip, greater_than(0), "gradient norm");
    v("weights", weights, "by class");
    v("optimizer", optimizer, "update rule");
  }
};

// A map whose n-th key stands in line n + 1, column 3.
ConfigNode map_of(std::vector<std::pair<std::string, ConfigNode>> entries) {
  ConfigNode node = ConfigNode::map(std::move(entries));
  for (size_t i = 0; i < node.entries.size(); ++i) {
    node.key_marks[i] = {"r.yaml", static_cast<int>(i) + 1, 3};
    if (node.entries[i].second.mark.line == 0) node.entries[i].second.mark = {"r.yaml", static_cast<int>(i) + 1, 9};
  }
  return node;
}
ConfigNode text(const char* value) { return ConfigNode::text(value); }
ConfigNode list(std::vector<ConfigNode> items) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kList;
  node.items = std::move(items);
  return node;
}

std::string failure(const ConfigNode& node) {
  Train train;
  try {
    read_config(node, "train", train);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Config, ReadsEveryKindOfValue) {
  Train t;
  ConfigNode quoted = text("true");
  quoted.quoted = true;
  read_config(map_of({{"epochs", text("12")},
                      {"nesterov", text("true")},
                      {"name", quoted},
                      {"shade", text("dark")},
                      {"steps", list({text("1"), text("5")})},
                      {"clip", text("1e-2")},
                      {"weights", map_of({{"cat", text("2")}})},
                      {"optimizer", map_of({{"adam", map_of({{"lr", text("0.5")}})}})}}),
              "train", t);
  EXPECT_EQ(t.epochs, 12);
  EXPECT_TRUE(t.nesterov);
  EXPECT_EQ(t.name, "true");
  EXPECT_EQ(t.shade, Shade::kDark);
  EXPECT_EQ(t.steps, (std::vector<int64_t>{1, 5}));
  EXPECT_EQ(t.clip, 0.01);
  EXPECT_EQ(t.weights.at("cat"), 2.0);
  EXPECT_EQ(std::get<Adam>(t.optimizer).lr, 0.5);
  Train defaults;
  read_config(map_of({{"optimizer", text("adam")}}), "train", defaults);
  EXPECT_EQ(defaults.epochs, 3) << "absent keys keep their default";
  EXPECT_EQ(std::get<Adam>(defaults.optimizer).lr, 0.001) << "a choice may be a bare name";
}

TEST(Config, ErrorsCarryPositionPathAndHint) {
  struct Row {
    ConfigNode node;
    std::vector<const char*> parts;
  };
  const Row rows[] = {
      {map_of({{"epochs", text("3")}, {"nestrov", text("true")}}),
       {"r.yaml:2:3: ", "train", "unknown key \"nestrov\"", "\"nesterov\"", "Valid keys"}},
      {map_of({{"epochs", text("0")}}), {"r.yaml:1:9: ", "train.epochs", ">= 1", "got 0"}},
      {map_of({{"epochs", text("1.5")}}), {"r.yaml:1:9: ", "train.epochs", "an integer", "\"1.5\""}},
      {map_of({{"epochs", text("99999999999999999999")}}), {"an integer"}},
      {map_of({{"epochs", list({})}}), {"an integer", "a list"}},
      {map_of({{"nesterov", text("yes")}}), {"true or false"}},
      {map_of({{"clip", text("nan")}}), {"a number"}},
      {map_of({{"clip", text("0")}}), {"> 0"}},
      {map_of({{"name", map_of({})}}), {"a text", "a map"}},
      {map_of({{"shade", text("drak")}}), {"light, dark", "Did you mean \"dark\""}},
      {map_of({{"steps", text("4")}}), {"a list", "\"4\""}},
      {map_of({{"steps", list({text("4"), text("-1")})}}), {"train.steps[1]", ">= 0"}},
      {map_of({{"weights", map_of({{"cat", text("heavy")}})}}), {"train.weights.cat", "a number"}},
      {map_of({{"optimizer", map_of({{"sgd", map_of({{"momentum", text("1")}})}})}}),
       {"train.optimizer.sgd.momentum", "in [0, 1)"}},
      {map_of({{"optimizer", text("sgdd")}}), {"unknown choice \"sgdd\"", "\"sgd\""}},
      {map_of({{"optimizer", map_of({{"sgd", {}}, {"adam", {}}})}}), {"exactly one"}},
      {text("fast"), {"train", "a map", "\"fast\""}},
  };
  for (const Row& row : rows) {
    const std::string got = failure(row.node);
    for (const char* part : row.parts)
      EXPECT_NE(got.find(part), std::string::npos) << "\"" << part << "\" is not in: " << got;
  }
  ConfigNode quoted = text("3");
  quoted.quoted = true;
  EXPECT_NE(failure(map_of({{"epochs", quoted}})), "") << "a quoted number is a text";
}

TEST(Config, RangesDescribeThemselves) {
  EXPECT_EQ(at_least(1).describe(), ">= 1");
  EXPECT_EQ(greater_than(0).describe(), "> 0");
  EXPECT_EQ(below(0, 1).describe(), "in [0, 1)");
  EXPECT_EQ(between(0.5, 2).describe(), "in [0.5, 2]");
  EXPECT_TRUE(below(0, 1).holds(0.0));
  EXPECT_FALSE(below(0, 1).holds(1.0));
  EXPECT_FALSE(greater_than(0).holds(0.0));
}

TEST(Config, WritesResolvedValuesThatReadBack) {
  Train t;
  t.steps = {2, 4};
  t.optimizer = Adam{.lr = 0.25};
  t.shade = Shade::kDark;
  const Json json = config_to_json(t);
  EXPECT_EQ(json["epochs"], 3) << "defaults are written too";
  EXPECT_EQ(json["optimizer"]["adam"]["lr"], 0.25);
  EXPECT_TRUE(json["clip"].is_null());
  Train back;
  read_config(config_node_from_json(json), "train", back);
  EXPECT_EQ(config_to_json(back).dump(), json.dump());
  EXPECT_EQ(config_node_to_json(config_node_from_json(json)).dump(), json.dump());
}

TEST(Config, SchemaSaysWhatReadingAccepts) {
  const Json schema = config_schema(Train{});
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["properties"]["epochs"]["type"], "integer");
  EXPECT_EQ(schema["properties"]["epochs"]["minimum"], 1.0);
  EXPECT_EQ(schema["properties"]["epochs"]["default"], 3);
  EXPECT_EQ(schema["properties"]["epochs"]["description"], "passes over the data");
  EXPECT_EQ(schema["properties"]["shade"]["enum"], (Json{"light", "dark"}));
  EXPECT_EQ(schema["properties"]["steps"]["items"]["type"], "integer");
  EXPECT_EQ(schema["properties"]["optimizer"]["oneOf"].size(), 4u);
}

TEST(Config, SignsOfNumbers) {
  EXPECT_EQ(config_int(ConfigNode::text("+5"), "x"), 5);
  EXPECT_EQ(config_number(ConfigNode::text("+0.5"), "x"), 0.5);
  for (const char* text : {"+-5", "++5", "-+5", "--5", "+", "-", ""}) {
    EXPECT_THROW(config_int(ConfigNode::text(text), "x"), ConfigError) << text;
    EXPECT_THROW(config_number(ConfigNode::text(text), "x"), ConfigError) << text;
  }
}

}  // namespace
}  // namespace pare
