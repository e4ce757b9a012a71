#include "core/zoo/zoo.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "core/base/config_read.h"
#include "core/base/rng.h"
#include "core/graph/json_form.h"
#include "core/graph/passes/pass.h"
#include "core/graph/stats.h"
#include "core/graph/text_form.h"

namespace pare {
namespace {

struct Published {
  const char* name;
  int64_t image_size;  // 0: the default
  int64_t params;
  int64_t macs;        // of convolutions and linear layers at batch 1
};

GraphWithConstants empty_model(const std::string& name, ZooOptions options = {}) {
  options.initialise = false;
  return zoo(name, options);
}

class ZooCounts : public testing::TestWithParam<Published> {};

TEST_P(ZooCounts, ParametersAndMacs) {
  const auto model = empty_model(GetParam().name, {.image_size = GetParam().image_size});
  const auto stats = graph_stats(model.graph, builtin_ops(), {{"N", 1}});
  EXPECT_EQ(stats.params, GetParam().params);
  EXPECT_EQ(stats.macs, GetParam().macs);
}

// ImageNet models: torchvision's parameter counts. resnet20: 0.27 M, and 40.8 M multiply-accumulates when those of its
// batch normalizations are counted. mobilenet_v1: 4.2 M and 569 M in the paper; resnet50: 4.1 G.
INSTANTIATE_TEST_SUITE_P(
    Models, ZooCounts,
    testing::Values(Published{"lenet5", 0, 61706, 416520}, Published{"mlp", 0, 235146, 234752},
                    Published{"resnet20", 0, 269722, 40551040}, Published{"resnet32", 0, 464154, 68862592},
                    Published{"resnet44", 0, 658586, 97174144}, Published{"resnet56", 0, 853018, 125485696},
                    Published{"resnet110", 0, 1727962, 252887680}, Published{"resnet18", 0, 11689512, 1814073344},
                    Published{"resnet18", 32, 11173962, 555422720}, Published{"resnet34", 0, 21797672, 3663761408},
                    Published{"resnet50", 0, 25557032, 4089184256}, Published{"vgg16_bn", 0, 138365992, 15470264320},
                    Published{"vgg16_bn", 32, 14728266, 313201664}, Published{"mobilenet_v1", 0, 4231976, 568740352},
                    Published{"mobilenet_v2", 0, 3504872, 300774272}));

class EveryModel : public testing::TestWithParam<std::string> {
 protected:
  // Small images and no weights: structure is what these tests are about.
  GraphWithConstants model(int64_t image_size = 32) const {
    const bool grey = GetParam() == "mlp" || GetParam() == "lenet5";
    return empty_model(GetParam(), {.image_size = grey ? 0 : image_size, .sequence = 16, .vocabulary = 100});
  }
};

TEST_P(EveryModel, TextAndJsonReadBack) {
  const auto m = model();
  const std::string text = print_graph(m.graph);
  const Graph from_text = parse_graph(text);
  EXPECT_EQ(print_graph(from_text), text);
  const std::string json = to_json(m.graph).dump();
  const Graph from_json = graph_from_json(Json::parse(json));
  EXPECT_EQ(to_json(from_json).dump(), json);
  EXPECT_EQ(to_json(from_text).dump(), json);
  verify(from_json, m.constants, builtin_ops());
}

TEST_P(EveryModel, BatchIsSymbolicToTheEnd) {
  const auto m = model();
  ASSERT_EQ(m.graph.outputs().size(), 1u);
  const DimShape& shape = *m.graph.value(m.graph.outputs()[0]).shape;
  EXPECT_EQ(shape.size(), 2u);
  EXPECT_EQ(shape[0], Dim::symbol("N"));
  EXPECT_TRUE(shape[1].is_constant());
}

TEST_P(EveryModel, GoesThroughTheInferencePasses) {
  auto m = model();
  for (ValueId id : m.graph.values()) {
    if (m.graph.value(id).name.find("running_var") != std::string::npos) {
      Tensor ones(DType::kF32, evaluate(*m.graph.value(id).shape, {}));
      std::fill_n(ones.mutable_data<float>(), ones.numel(), 1.0f);
      m.constants.set(m.graph.value(id).name, ones);
    }
  }
  const auto before = graph_stats(m.graph, builtin_ops(), {{"N", 1}});
  run_passes(m, builtin_ops(), inference_passes());
  for (NodeId n : m.graph.order()) {
    const std::string& op = m.graph.node(n).op;
    EXPECT_TRUE(op != "BatchNormalization" && op != "Dropout" && op != "Identity") << op;
  }
  EXPECT_EQ(graph_stats(m.graph, builtin_ops(), {{"N", 1}}).macs, before.macs);
}

TEST_P(EveryModel, TakesOtherClassCounts) {
  const auto m = empty_model(GetParam(), {.classes = 7, .image_size = 48, .sequence = 8, .vocabulary = 50});
  EXPECT_EQ((*m.graph.value(m.graph.outputs()[0]).shape)[1], Dim(7));
}

std::vector<std::string> all_names() {
  std::vector<std::string> out;
  for (const auto& entry : zoo_models()) out.push_back(entry.name);
  return out;
}
INSTANTIATE_TEST_SUITE_P(Zoo, EveryModel, testing::ValuesIn(all_names()), [](const auto& info) { return info.param; });

void collect_leaves(Json& json, std::vector<Json*>& out) {
  if (!json.is_structured()) return out.push_back(&json);
  for (Json& child : json) collect_leaves(child, out);
}

// A sound file with one to three values changed to something extreme: every step refuses it with ModelError or works.
TEST(Zoo, DamagedGraphFilesAreRefusedOrSound) {
  const Json extremes[] = {
      0,   1,     -1,      2,         7,       INT64_MAX,        INT64_MIN,        UINT64_MAX,    1e300,         0.5,
      "N", "inf", "Slice", "Reshape", nullptr, int64_t{1} << 31, int64_t{1} << 62, Json::array(), Json::object()};
  Rng rng(9);
  int refused = 0, sound = 0;
  for (const char* name : {"lenet5", "resnet20", "bert_tiny"}) {
    const auto m = empty_model(name, {.sequence = 8, .vocabulary = 20});
    const Json good = to_json(m.graph);
    for (int round = 0; round < 300; ++round) {
      Json json = good;
      std::vector<Json*> leaves;
      collect_leaves(json, leaves);
      for (uint64_t k = 0; k <= rng.below(3); ++k)
        *leaves[rng.below(leaves.size())] = extremes[rng.below(std::size(extremes))];
      try {
        Graph graph = graph_from_json(json);
        infer_shapes(graph, m.constants, builtin_ops());
        graph_stats(graph, builtin_ops(), {{"N", 1}});
        verify(graph, m.constants, builtin_ops());
        ++sound;
      } catch (const ModelError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(sound, 10);
}

TEST(Zoo, NamesFollowTorchvision) {
  const std::pair<const char*, std::vector<std::string>> cases[] = {
      {"resnet18", {"conv1.weight", "bn1.running_var", "layer2.0.downsample.0.weight", "layer4.1.bn2.bias", "fc.bias"}},
      {"resnet50", {"layer1.0.conv3.weight", "layer1.0.downsample.1.running_mean", "layer4.2.bn3.weight"}},
      {"vgg16_bn",
       {"features.0.bias", "features.1.running_mean", "features.40.weight", "features.41.weight",
        "classifier.6.weight"}},
      {"mobilenet_v2",
       {"features.0.0.weight", "features.1.conv.0.0.weight", "features.1.conv.2.bias", "features.2.conv.1.0.weight",
        "features.17.conv.3.running_var", "features.18.0.weight", "classifier.1.weight"}},
      {"resnet20", {"conv1.weight", "layer2.0.conv1.weight", "layer3.2.bn2.running_mean", "linear.weight"}},
  };
  for (const auto& [name, keys] : cases) {
    const auto m = empty_model(name);
    for (const auto& key : keys) EXPECT_TRUE(m.constants.has(key)) << name << ' ' << key;
  }
}

TEST(Zoo, OptionAShortcut) {
  const auto m = empty_model("resnet20");
  const Node& slice = m.graph.node(m.graph.find_node("layer2.0.shortcut.slice"));
  const Node& pad = m.graph.node(m.graph.find_node("layer2.0.shortcut.pad"));
  EXPECT_EQ(slice.attrs.integers("steps"), (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(pad.attrs.integers("pads"), (std::vector<int64_t>{0, 8, 0, 0, 0, 8, 0, 0}));
  EXPECT_EQ(m.graph.find_node("layer1.0.shortcut.slice"), kNoNode);
}

TEST(Zoo, WeightsDependOnTheSeedAlone) {
  const auto a = zoo("resnet20", {.seed = 1}), b = zoo("resnet20", {.seed = 1}), c = zoo("resnet20", {.seed = 2});
  const auto wide = zoo("resnet20", {.classes = 100, .seed = 1});
  for (const auto& [name, tensor] : a.constants.map()) {
    EXPECT_TRUE(same_bytes(tensor, b.constants.get(name))) << name;
    if (name.find("linear") != std::string::npos) continue;
    EXPECT_TRUE(same_bytes(tensor, wide.constants.get(name))) << name;
  }
  EXPECT_FALSE(same_bytes(a.constants.get("conv1.weight"), c.constants.get("conv1.weight")));
}

TEST(Zoo, WeightsHaveHesVariance) {
  const auto m = zoo("resnet20");
  const auto values = m.constants.get("layer3.1.conv1.weight").to_doubles();
  double sum = 0, squares = 0;
  for (double v : values) sum += v, squares += v * v;
  const auto n = static_cast<double>(values.size());
  const double expected = std::sqrt(2.0 / (64 * 9));
  // 36,864 draws: the standard error of the deviation is 0.4 %, that of the mean 0.5 % of it.
  constexpr double kTolerance = 0.02;
  EXPECT_NEAR(std::sqrt(squares / n), expected, kTolerance * expected);
  EXPECT_NEAR(sum / n, 0.0, kTolerance * expected);
}

TEST(Zoo, UnknownNameNamesTheNearest) {
  try {
    zoo("resnet21");
    FAIL() << "expected ConfigError";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("resnet20"), std::string::npos) << error.what();
  }
}

TEST(Zoo, OptionsThatDoNotFitAreRefused) {
  EXPECT_THROW(empty_model("vgg16_bn", {.image_size = 100}), ConfigError);
  EXPECT_THROW(empty_model("lenet5", {.image_size = 8}), ConfigError);
  ZooOptions options;
  EXPECT_THROW(read_config(ConfigNode::map({{"classes", ConfigNode::text("-1")}}), "model", options), ConfigError);
}

TEST(Stats, CountsPerNode) {
  const auto m = empty_model("resnet20");
  const auto stats = graph_stats(m.graph, builtin_ops(), {{"N", 2}});
  EXPECT_EQ(stats.nodes.size(), m.graph.order().size());
  EXPECT_EQ(stats.nodes[0].name, "conv1");
  EXPECT_EQ(stats.nodes[0].params, 432);
  EXPECT_EQ(stats.nodes[0].constant_bytes, 4 * 432);
  EXPECT_EQ(stats.nodes[0].macs, 2 * 442368);
  EXPECT_EQ(stats.nodes[0].activation_bytes, 2 * 16 * 32 * 32 * 4);
  // A block's input, and two maps of its own, at 16 channels of 32 x 32.
  EXPECT_EQ(stats.peak_activation_bytes, 3 * 2 * 16 * 32 * 32 * 4);
  EXPECT_THROW(graph_stats(m.graph, builtin_ops(), {}), ModelError);
}

}  // namespace
}  // namespace pare
