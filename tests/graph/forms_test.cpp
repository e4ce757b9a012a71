// Text and JSON forms.
#include <gtest/gtest.h>

#include <limits>

#include "core/base/rng.h"
#include "core/graph/json_form.h"
#include "core/graph/text_form.h"

namespace pare {
namespace {

// One of everything that the forms must carry.
Graph rich_graph() {
  Graph g;
  g.name = "rich graph \"1\"";
  const ValueId x = g.add_input("x", DType::kF32, {Dim::symbol("N"), (Dim::symbol("h") + 1).floor_div(2), 4});
  const ValueId w = g.add_constant("layer.0.weight", Role::kParameter, DType::kF32, {4, 4});
  const ValueId odd = g.add_constant("odd name,\\ \"quoted\"\n", Role::kLiteral, DType::kI64, {});
  const NodeId split =
      g.add_node("Split", "split", {x}, {{"axis", int64_t{-1}}, {"split", std::vector<int64_t>{1, 3}}}, 2);
  g.value(g.node(split).outputs[0]).shape = DimShape{Dim::symbol("N"), 1, 1};
  const Attrs attrs = {{"f", 0.1}, {"whole", 2.0}, {"inf", -std::numeric_limits<double>::infinity()},
                       {"text", std::string("a\\b\"c\nd")}, {"none", std::vector<int64_t>{}},
                       {"no_numbers", std::vector<double>{}}, {"numbers", std::vector<double>{1.0, 1e-30, 2.5}}};
  const NodeId all = g.add_node_named("my.Op", "node/with:marks", {x, kNoValue, w, odd}, attrs, {"_"});
  g.value(g.node(all).outputs[0]).dtype = DType::kBF16;
  g.value(g.node(all).outputs[0]).shape = DimShape{};
  g.add_node_named("Swap", "one", {x}, {}, {"two"});
  g.add_node_named("Swap", "two", {x}, {}, {"one"});
  g.set_outputs({g.node(all).outputs[0], x});
  return g;
}

TEST(TextForm, ReadsBack) {
  const std::string text = print_graph(rich_graph());
  EXPECT_EQ(print_graph(parse_graph(text)), text);
  const Graph back = parse_graph(text);
  const Node& node = back.node(back.find_node("node/with:marks"));
  EXPECT_EQ(node.attrs, rich_graph().node(rich_graph().find_node("node/with:marks")).attrs);
  EXPECT_EQ(node.inputs[1], kNoValue);
  EXPECT_EQ(back.value(node.outputs[0]).dtype, DType::kBF16);
}

TEST(TextForm, IsWhatTheHeaderSays) {
  const Graph g = parse_graph(
      "graph small\n# a comment\n\ninput x: F32[N, 4]\nparameter w: F32[3, 4]\n"
      "fc: F32? = Gemm(x, w) {transB=1}\noutput fc\n");
  EXPECT_EQ(print_graph(g),
            "graph small\ninput x: F32[N, 4]\nparameter w: F32[3, 4]\nfc: F32? = Gemm(x, w) {transB=1}\noutput fc\n");
}

TEST(TextForm, ErrorsNameTheLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"graph g\ninput x F32[1]\n", "line 2"},
      {"graph g\ninput x: F32[1]\ny: F32? = Relu(z)\noutput y\n", "line 3"},
      {"graph g\ninput x: F99[1]\n", "line 2"},
      {"graph g\ninput x: F32[-1]\n", "line 2"},
      {"graph g\nparameter w: F32[N]\n", "has no value"},
      {"graph g\nnonsense\n", "line 2"},
      {"graph g\ninput x: F32[1]\ny: F32? = Relu(x) {a=[1, 2.0]}\n", "line 3"},
      {"graph g\ninput x: F32[1]\ny: F32? = Relu(x) {a=99999999999999999999}\noutput y", ""},
      {"graph \"g\ninput x: F32[1]\n", "closing quote"},
      {"graph g\ninput x: F32[1]\n", "no outputs"},
      {"", "no outputs"},
  };
  for (const auto& [text, part] : cases) {
    try {
      parse_graph(text);
      EXPECT_STREQ(part, "") << "was accepted: " << text;
    } catch (const ModelError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }
}

TEST(JsonForm, ReadsBack) {
  const Graph g = rich_graph();
  const Json json = to_json(g);
  const Graph back = graph_from_json(Json::parse(json.dump()));
  EXPECT_EQ(print_graph(back), print_graph(g));
  EXPECT_EQ(to_json(back).dump(), json.dump());
}

TEST(JsonForm, EqualGraphsGiveEqualJsonWhateverTheirIds) {
  Graph g = rich_graph();
  const NodeId extra = g.add_node("Relu", "extra", {g.inputs()[0]});
  g.erase_node(extra);
  g.add_constant("gone", Role::kLiteral, DType::kF32, {});
  g.erase_unused_constants();
  EXPECT_EQ(to_json(g).dump(), to_json(rich_graph()).dump());
}

// Each wrong file has one thing wrong.
TEST(JsonForm, WrongFilesAreRefused) {
  const auto change = [](auto&& edit) {
    Json json = to_json(rich_graph());
    edit(json);
    return json;
  };
  const Json cases[] = {
      Json::array(),
      change([](Json& j) { j.erase("values"); }),
      change([](Json& j) { j["name"] = 3; }),
      change([](Json& j) { j["name"] = std::string(5000, 'a'); }),
      change([](Json& j) { j["values"][0]["role"] = "king"; }),
      change([](Json& j) { j["values"][0]["dtype"] = "F33"; }),
      change([](Json& j) { j["values"][0]["shape"] = {-4}; }),
      change([](Json& j) { j["values"][0]["shape"] = {1.5}; }),
      change([](Json& j) { j["values"][0]["shape"] = {"2*"}; }),
      change([](Json& j) { j["values"][0]["shape"] = nullptr; }),
      change([](Json& j) { j["values"][1]["shape"] = {"N"}; }),
      change([](Json& j) {
        j["values"][1]["shape"] = {int64_t{1} << 40, int64_t{1} << 40};
      }),
      change([](Json& j) { j["values"][1]["name"] = "x"; }),
      change([](Json& j) {
        j["values"].push_back({{"name", "lost"}, {"role", "activation"}, {"dtype", "F32"}, {"shape", nullptr}});
      }),
      change([](Json& j) { j["nodes"][0]["inputs"] = {99}; }),
      change([](Json& j) { j["nodes"][0]["inputs"] = {-2}; }),
      change([](Json& j) { j["nodes"][0]["inputs"] = {18446744073709551615u}; }),
      change([](Json& j) { j["nodes"][0]["inputs"] = {"x"}; }),
      change([](Json& j) { j["nodes"][0]["inputs"] = j["nodes"][1]["outputs"]; }),
      change([](Json& j) { j["nodes"][1]["outputs"] = j["nodes"][0]["outputs"]; }),
      change([](Json& j) {
        j["nodes"][0]["outputs"] = {3, 3};
      }),
      change([](Json& j) { j["nodes"][0]["outputs"] = Json::array(); }),
      change([](Json& j) { j["nodes"][0]["attrs"] = {1}; }),
      change([](Json& j) { j["nodes"][0]["attrs"]["axis"] = 1; }),
      change([](Json& j) {
        j["nodes"][0]["attrs"]["axis"] = {{"i", 1.5}};
      }),
      change([](Json& j) {
        j["nodes"][0]["attrs"]["axis"] = {{"z", 1}};
      }),
      change([](Json& j) {
        j["nodes"][0]["attrs"]["axis"] = {{"fs", {"many"}}};
      }),
      change([](Json& j) { j["nodes"][1]["name"] = "split"; }),
      change([](Json& j) { j["nodes"][1]["op"] = "pare.plan.Conv"; }),
      change([](Json& j) { j["outputs"] = Json::array(); }),
      change([](Json& j) { j["outputs"] = {-1}; }),
  };
  for (const Json& json : cases) EXPECT_THROW(graph_from_json(json), ModelError) << json.dump();
}

// Random damage: either refused with ModelError or a graph of sound structure.
TEST(JsonForm, DamageNeverCrashes) {
  const std::string text = to_json(rich_graph()).dump();
  Rng rng(11);
  int refused = 0, parsed = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = text;
    for (uint64_t k = 0; k <= rng.below(3); ++k) {
      const size_t at = rng.below(damaged.size());
      if (rng.below(2)) damaged[at] = "0123456789-\"[]{},:enull"[rng.below(23)];
      else damaged.erase(at, 1 + rng.below(4));
    }
    const Json json = Json::parse(damaged, nullptr, false);
    if (json.is_discarded()) continue;
    ++parsed;
    try {
      graph_from_json(json).verify_structure();
    } catch (const ModelError&) {
      ++refused;
    }
  }
  EXPECT_GT(parsed, 200);
  EXPECT_GT(refused, 100);
}

TEST(TextForm, DamageNeverCrashes) {
  const std::string text = print_graph(rich_graph());
  Rng rng(12);
  int refused = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = text;
    damaged[rng.below(damaged.size())] = static_cast<char>(32 + rng.below(95));
    damaged.erase(rng.below(damaged.size()), rng.below(3));
    try {
      parse_graph(damaged).verify_structure();
    } catch (const ModelError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace pare
