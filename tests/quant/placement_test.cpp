// Where quantization is placed: small graphs with the answer known by hand.

#include "quant/placement.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/graph/op.h"
#include "quant/fake_quant.h"

namespace pare {
namespace {

class Builder {
 public:
  Builder() { x = graph.add_input("x", DType::kF32, {Dim::symbol("N"), 8, 16, 16}); }
  ValueId conv(const std::string& name, ValueId in, bool bias = true) {
    std::vector<ValueId> inputs = {in, constant(name + ".weight", {8, 8, 3, 3})};
    if (bias) inputs.push_back(constant(name + ".bias", {8}));
    return graph.add("Conv", name, inputs, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  }
  ValueId constant(const std::string& name, Shape shape) {
    constants.set(name, Tensor(DType::kF32, shape));
    return graph.add_constant(name, Role::kParameter, DType::kF32, shape);
  }
  QuantPlan place(std::vector<ValueId> outputs, std::set<NodeId> skip = {}) {
    graph.set_outputs(std::move(outputs));
    infer_shapes(graph, constants, builtin_ops());
    return place_quantization(graph, skip);
  }
  bool has_edge(const QuantPlan& plan, ValueId id) const {
    return std::any_of(plan.edges.begin(), plan.edges.end(), [&](const QuantEdge& e) { return e.value == id; });
  }
  int64_t group(const QuantPlan& plan, ValueId id) const {
    for (const QuantEdge& edge : plan.edges)
      if (edge.value == id) return edge.share_group;
    return -1;
  }
  Graph graph;
  ConstantStore constants;
  ValueId x;
};

TEST(Placement, ReluBelongsToItsConvolution) {
  Builder b;
  const ValueId c = b.conv("c", b.x), r = b.graph.add("Relu", "r", {c}), d = b.conv("d", r);
  const ValueId out = b.graph.add("Sigmoid", "out", {d});
  const QuantPlan plan = b.place({out});
  EXPECT_TRUE(b.has_edge(plan, b.x));
  EXPECT_FALSE(b.has_edge(plan, c));
  EXPECT_TRUE(b.has_edge(plan, r));
  EXPECT_TRUE(b.has_edge(plan, d)) << "a convolution read by a float operator still ends in integers";
  EXPECT_FALSE(b.has_edge(plan, out));
  ASSERT_EQ(plan.weights.size(), 2u);
  EXPECT_EQ(plan.weights[1].input, r);
  EXPECT_EQ(plan.weights[1].bias, "d.bias");
}

TEST(Placement, ResidualAddHasIntegersOnBothSides) {
  Builder b;
  const ValueId c = b.conv("c", b.x), d = b.conv("d", c), sum = b.graph.add("Add", "sum", {c, d});
  const ValueId r = b.graph.add("Relu", "r", {sum}), e = b.conv("e", r);
  const QuantPlan plan = b.place({e});
  for (ValueId id : {c, d, r}) EXPECT_TRUE(b.has_edge(plan, id));
  EXPECT_FALSE(b.has_edge(plan, sum));
  EXPECT_FALSE(b.has_edge(plan, e)) << "graph outputs stay float";
}

TEST(Placement, MovedNumbersShareOneScale) {
  Builder b;
  const ValueId c = b.conv("c", b.x);
  const ValueId pool = b.graph.add(
      "MaxPool", "pool", {c}, {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
  const ValueId d = b.conv("d", pool);
  const QuantPlan plan = b.place({d});
  EXPECT_EQ(b.group(plan, c), b.group(plan, pool));
  EXPECT_NE(b.group(plan, b.x), b.group(plan, c));
}

TEST(Placement, AddThatAFloatOperatorReadsStaysFloat) {
  Builder b;
  const ValueId c = b.conv("c", b.x), sum = b.graph.add("Add", "sum", {c, b.x}),
                out = b.graph.add("Sigmoid", "s", {sum});
  const QuantPlan plan = b.place({out});
  EXPECT_FALSE(b.has_edge(plan, sum));
}

TEST(Placement, SkippedLayersStayFloat) {
  Builder b;
  const ValueId c = b.conv("c", b.x), d = b.conv("d", c);
  const QuantPlan plan = b.place({d}, {b.graph.value(c).producer});
  ASSERT_EQ(plan.weights.size(), 1u);
  EXPECT_EQ(plan.weights[0].param, "d.weight");
  EXPECT_FALSE(b.has_edge(plan, b.x));
  EXPECT_TRUE(b.has_edge(plan, c));
}

TEST(FakeQuantEdit, ReadersSeeTheQuantizedValueAndOutputsTheFloatOne) {
  Builder b;
  const ValueId c = b.conv("c", b.x), d = b.conv("d", c);
  const QuantPlan plan = b.place({c, d});
  std::map<int64_t, QParams> params;
  for (const QuantEdge& edge : plan.edges) params[edge.share_group] = {0.5f, 3};
  FakeQuantEdit edit = insert_fake_quant(b.graph, plan, params, {});
  edit.graph.verify_structure();
  EXPECT_EQ(edit.graph.outputs(), b.graph.outputs());
  const Node& reader = edit.graph.node(b.graph.value(d).producer);
  EXPECT_EQ(edit.graph.node(edit.graph.value(reader.inputs[0]).producer).op, "pare.FakeQuant");
  EXPECT_EQ(edit.fresh.get(edit.scale_of.at(c)).data<float>()[0], 0.5f);
}

}  // namespace
}  // namespace pare
