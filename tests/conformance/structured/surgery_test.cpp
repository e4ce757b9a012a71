#include "core/graph/surgery.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/conformance/structured/evaluate.h"
#include "tests/conformance/structured/net.h"

namespace pare::test {
namespace {

struct Small {
  OpTable ops = builtin_ops();
  GraphWithConstants model;
  DimGroups groups;
  Small() {
    Net net(ops, 3);
    const ValueId x = net.op("Relu", {net.norm(net.conv(net.input({3, 6, 6}), 6))});
    model = net.finish({net.head(net.conv(x, 4))});
    groups = analyse(model.graph, model.constants, ops);
  }
  // Name of input i of the first node of an operator.
  std::string operand(const std::string& op, size_t i) const {
    for (NodeId n : model.graph.order())
      if (model.graph.node(n).op == op) return model.graph.value(model.graph.node(n).inputs.at(i)).name;
    return "";
  }
  Evaluate evaluator() const {
    return [](const GraphWithConstants& m) {
      Shape shape{2, 3, 6, 6};
      std::vector<double> values(2 * 3 * 36);
      for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<double>(i));
      const auto all = evaluate(m.graph, m.constants, {{m.graph.value(m.graph.inputs()[0]).name, Tensor::of(values, shape)}});
      return std::vector<Tensor>{all.at(m.graph.outputs()[0])};
    };
  }
};

TEST(Surgery, ComparesOnTheSpot) {
  const Small s;
  const SurgeryResult cut = remove_units(s.model, s.ops, s.groups, {{0, 2, 7}}, s.evaluator());
  EXPECT_EQ(cut.model.constants.get(s.operand("Conv", 1)).shape(), Shape({4, 3, 3, 3}));
  EXPECT_EQ(cut.model.constants.get(s.operand("Gemm", 1)).shape(), Shape({3, 3}));
}

TEST(Surgery, RefusesWhenTheOutputsDiffer) {
  const Small s;
  int calls = 0;
  const Evaluate liar = [&](const GraphWithConstants& m) {
    auto out = s.evaluator()(m);
    if (calls++) out[0].mutable_data<double>()[0] += 0.01;
    return out;
  };
  EXPECT_THROW(remove_units(s.model, s.ops, s.groups, {{1}}, liar), ModelError);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(s.model.constants.get(s.operand("Conv", 1)).shape(), Shape({6, 3, 3, 3}));
}

TEST(Surgery, RemapCutsAreTheConstants) {
  const Small s;
  const SurgeryResult cut = remove_units(s.model, s.ops, s.groups, {{1, 3, 6}});
  EXPECT_FALSE(cut.remap.empty());
  for (const auto& [name, entry] : cut.remap.entries) {
    ASSERT_EQ(entry.kind, ParamRemap::Kind::kSliced);
    EXPECT_TRUE(same_bytes(apply(entry, s.model.constants.get(entry.from)), cut.model.constants.get(name))) << name;
  }
}

TEST(Surgery, RefusesToEmptyADim) {
  const Small s;
  EXPECT_FALSE(leaves_cells(s.groups, {s.groups.groups[0].units}));
  EXPECT_THROW(remove_units(s.model, s.ops, s.groups, {s.groups.groups[0].units}), ModelError);
}

TEST(Surgery, RefusesUnknownUnitsAndOtherGraphs) {
  const Small s;
  EXPECT_THROW(remove_units(s.model, s.ops, s.groups, {{1000}}), ModelError);
  EXPECT_THROW(remove_units(s.model, s.ops, s.groups, {{-1}}), ModelError);
  const SurgeryResult cut = remove_units(s.model, s.ops, s.groups, {{0}});
  EXPECT_THROW(remove_units(cut.model, s.ops, s.groups, {{0}}), ModelError);
}

TEST(Surgery, InexactUnitsOnlyOnRequest) {
  const OpTable ops = builtin_ops();
  Net net(ops, 5);
  const GraphWithConstants model = net.finish({net.linear(net.layer_norm(net.linear(net.input({4}), 8)), 3)});
  const DimGroups groups = analyse(model.graph, model.constants, ops);
  ASSERT_EQ(groups.groups.size(), 1u);
  EXPECT_EQ(groups.groups[0].exactness, Exactness::kInexact);
  EXPECT_EQ(groups.groups[0].reason, "LayerNorm over the dim");
  EXPECT_THROW(remove_units(model, ops, groups, {{0}}), ModelError);
  Selection selection{{0, 5}, true};
  EXPECT_EQ(remove_units(model, ops, groups, selection).remap.entries.size(), 5u);
}

TEST(Surgery, ZeroedIsWhatTheOperandsSay) {
  const Small s;
  const ConstantStore zeroed = zero_units(s.model.constants, s.groups, {{2}});
  const std::string scale = s.operand("BatchNormalization", 1), mean = s.operand("BatchNormalization", 3);
  const auto after = zeroed.get(scale).to_doubles(), before = s.model.constants.get(scale).to_doubles();
  for (size_t i = 0; i < after.size(); ++i) EXPECT_EQ(after[i], i == 2 ? 0.0 : before[i]);
  EXPECT_TRUE(same_bytes(zeroed.get(mean), s.model.constants.get(mean)));  // state is never zeroed
}

TEST(Ties, FrozenDimsTellWhy) {
  const Small s;
  std::map<std::string, std::string> reasons;
  for (const auto& frozen : s.groups.frozen) reasons[fmt("{}:{}", frozen.param, frozen.dim)] = frozen.reason;
  const std::string conv = s.operand("Conv", 1), bias = s.operand("Gemm", 2);
  EXPECT_NE(reasons.at(conv + ":1").find("model input"), std::string::npos);
  EXPECT_NE(reasons.at(conv + ":2").find("kernel"), std::string::npos);
  EXPECT_NE(reasons.at(bias + ":0").find("model output"), std::string::npos);
}

TEST(Ties, UninferredShapesAreRefused) {
  Graph graph;
  const ValueId x = graph.add_input("x", DType::kF32, {Dim::symbol("N"), Dim(4)});
  graph.set_outputs({graph.add("Relu", "relu", {x})});
  EXPECT_THROW(analyse(graph, {}, builtin_ops()), ModelError);
}

}  // namespace
}  // namespace pare::test
