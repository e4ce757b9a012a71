#include <gtest/gtest.h>

#include "core/graph/surgery.h"
#include "core/zoo/zoo.h"

namespace pare {
namespace {

ZooOptions without_weights() {
  ZooOptions options;
  options.initialise = false;
  return options;
}

struct Counts {
  size_t units, groups, inexact;
};

Counts count(const char* name, TiePolicy::Heads heads = TiePolicy::Heads::kHeads) {
  const GraphWithConstants model = zoo(name, without_weights());
  TiePolicy policy;
  policy.heads = heads;
  const DimGroups found = analyse(model.graph, model.constants, builtin_ops(), policy);
  Counts counts{found.units.size(), found.groups.size(), 0};
  for (const auto& group : found.groups)
    if (group.exactness == Exactness::kInexact) counts.inexact += group.units.size();
  return counts;
}

TEST(ZooTies, ResNet20HasOneStreamThatWidens) {
  const Counts counts = count("resnet20");
  // Inner channels 3 x (16 + 32 + 64) and the stream's 64, of which 16 start in the stem and 32 in stage 2.
  EXPECT_EQ(counts.units, 3u * (16 + 32 + 64) + 64);
  EXPECT_EQ(counts.groups, 9u + 3);
  EXPECT_EQ(counts.inexact, 0u);
}

TEST(ZooTies, ResNet50HasTwoInnerWidthsABlock) {
  const Counts counts = count("resnet50");
  const size_t inner = 2 * (3 * 64 + 4 * 128 + 6 * 256 + 3 * 512), streams = 256 + 512 + 1024 + 2048;
  EXPECT_EQ(counts.units, 64 + inner + streams);
  EXPECT_EQ(counts.groups, 1u + 32 + 4);
  EXPECT_EQ(counts.inexact, 0u);
}

TEST(ZooTies, MobileNetV2ExpansionsAndStreams) {
  const Counts counts = count("mobilenet_v2");
  size_t expected = 32 + 1280;  // stem (with its depthwise layer) and last
  const size_t blocks[][3] = {{16, 24, 2}, {24, 32, 3}, {32, 64, 4}, {64, 96, 3}, {96, 160, 3}, {160, 320, 1}};
  expected += 16;
  for (const auto& [in, out, repeats] : blocks) expected += 6 * in + 6 * out * (repeats - 1) + out;
  EXPECT_EQ(counts.units, expected);
  EXPECT_EQ(counts.inexact, 0u);
}

TEST(ZooTies, BertHeadsOrWidth) {
  const Counts heads = count("bert_tiny"), width = count("bert_tiny", TiePolicy::Heads::kWidth);
  const size_t feed_forward = 2 * 4 * 128, pooler = 128, stream = 128;
  EXPECT_EQ(heads.units, 2 * 2 + feed_forward + pooler + stream);
  EXPECT_EQ(width.units, 2 * (64 + 64) + feed_forward + pooler + stream);
  EXPECT_EQ(heads.inexact, stream);  // LayerNorm behind every sum
  EXPECT_EQ(width.inexact, stream);
}

TEST(ZooTies, HalfOfEveryGroupComesOffEveryModel) {
  const OpTable ops = builtin_ops();
  for (const auto& entry : zoo_models()) {
    SCOPED_TRACE(entry.name);
    ZooOptions options = without_weights();
    options.classes = 10;
    options.image_size = entry.name == "mlp" || entry.name == "lenet5" ? 0 : 32;
    const GraphWithConstants model = zoo(entry.name, options);
    const DimGroups groups = analyse(model.graph, model.constants, ops);
    Selection selection;
    for (const auto& group : groups.groups)
      for (size_t i = 1; i < group.units.size() && group.exactness != Exactness::kInexact; i += 2)
        selection.units.push_back(group.units[i]);
    ASSERT_FALSE(selection.units.empty());
    const SurgeryResult cut = remove_units(model, ops, groups, selection);
    for (ValueId id : model.graph.outputs()) EXPECT_EQ(cut.model.graph.value(id).shape, model.graph.value(id).shape);
    for (const auto& [name, tensor] : cut.model.constants.map()) {
      const auto entry_of = cut.remap.entries.find(name);
      const Shape before = model.constants.get(name).shape();
      EXPECT_EQ(entry_of == cut.remap.entries.end(), tensor.shape() == before) << name;
    }
  }
}

}  // namespace
}  // namespace pare
