#include "core/graph/graph.h"

#include <gtest/gtest.h>

#include "core/graph/op.h"

namespace pare {
namespace {

// input -> relu -> neg -> add(neg, relu)
struct Small {
  Graph graph;
  ValueId x, relu, neg, add;
  Small() {
    x = graph.add_input("x", DType::kF32, {Dim::symbol("N"), 4});
    relu = graph.add("Relu", "relu", {x});
    neg = graph.add("Neg", "neg", {relu});
    add = graph.add("Add", "add", {neg, relu});
    graph.set_outputs({add});
  }
};

TEST(Graph, EditsKeepTheStructure) {
  Small s;
  s.graph.verify_structure();
  const NodeId abs = s.graph.add_node("Abs", "abs", {s.relu});
  s.graph.move_before(abs, s.graph.find_node("neg"));
  s.graph.node(s.graph.find_node("neg")).inputs[0] = s.graph.node(abs).outputs[0];
  s.graph.verify_structure();
  EXPECT_EQ(s.graph.users(s.relu).size(), 2u);
  s.graph.replace_uses(s.neg, s.relu);
  s.graph.erase_node(s.graph.find_node("neg"));
  EXPECT_EQ(s.graph.find_value("neg"), kNoValue);
  EXPECT_EQ(s.graph.users(s.relu).size(), 3u) << "one entry a use";
  EXPECT_EQ(UseIndex(s.graph).users(s.relu).size(), 3u);
  s.graph.verify_structure();
}

TEST(Graph, IdsAreNeverReused) {
  Small s;
  s.graph.replace_uses(s.add, s.neg);
  s.graph.erase_node(s.graph.find_node("add"));
  EXPECT_GT(s.graph.add("Abs", "add", {s.neg}), s.add);
}

TEST(Graph, NamesAreUnique) {
  Small s;
  EXPECT_THROW(s.graph.add("Relu", "relu", {s.x}), ModelError);
  EXPECT_THROW(s.graph.add_constant("relu", Role::kParameter, DType::kF32, {1}), ModelError);
  EXPECT_THROW(s.graph.rename_value(s.neg, "relu"), ModelError);
  EXPECT_THROW(s.graph.add_node_named("Split", "split", {s.x}, {}, {"a", "a"}), ModelError);
  EXPECT_EQ(s.graph.find_node("split"), kNoNode) << "a refused node leaves nothing behind";
  EXPECT_EQ(s.graph.free_name("relu"), "relu_1");
  s.graph.rename_value(s.neg, "minus");
  EXPECT_EQ(s.graph.find_value("minus"), s.neg);
  s.graph.verify_structure();
}

TEST(Graph, UsedNodesStay) {
  Small s;
  EXPECT_THROW(s.graph.erase_node(s.graph.find_node("relu")), ModelError);
  EXPECT_THROW(s.graph.erase_node(s.graph.find_node("add")), ModelError) << "an output is a use";
}

TEST(Graph, WrongOrderIsFound) {
  Small s;
  s.graph.move_before(s.graph.find_node("add"), s.graph.find_node("relu"));
  EXPECT_THROW(s.graph.verify_structure(), ModelError);
}

TEST(Graph, UnknownValuesAreFound) {
  Small s;
  EXPECT_THROW(s.graph.add("Relu", "r2", {77}), ModelError);
  s.graph.node(s.graph.find_node("neg")).inputs[0] = 77;
  EXPECT_THROW(s.graph.verify_structure(), ModelError);
}

TEST(Graph, MissingOutputsAreFound) {
  Small s;
  s.graph.set_outputs({});
  EXPECT_THROW(s.graph.verify_structure(), ModelError);
  s.graph.set_outputs({99});
  EXPECT_THROW(s.graph.verify_structure(), ModelError);
}

TEST(Graph, UnusedConstantsGo) {
  Small s;
  const ValueId used = s.graph.add_constant("used", Role::kParameter, DType::kF32, {4});
  s.graph.add_constant("unused", Role::kBuffer, DType::kF32, {4});
  s.graph.set_outputs({s.graph.add("Mul", "mul", {s.add, used})});
  s.graph.erase_unused_constants();
  EXPECT_EQ(s.graph.find_value("unused"), kNoValue);
  EXPECT_EQ(s.graph.find_value("used"), used);
}

TEST(Attrs, TypedAccess) {
  const Attrs attrs = {{"i", int64_t{3}}, {"f", 0.5}, {"s", std::string("text")}, {"is", std::vector<int64_t>{1, 2}}};
  EXPECT_EQ(attrs.integer("i"), 3);
  EXPECT_EQ(attrs.number("i"), 3.0);
  EXPECT_EQ(attrs.number("f"), 0.5);
  EXPECT_EQ(attrs.text("s", ""), "text");
  EXPECT_EQ(attrs.integers("is"), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(attrs.integer("absent", 7), 7);
  EXPECT_THROW(attrs.integer("absent"), ModelError);
  EXPECT_THROW(attrs.integer("f"), ModelError);
  EXPECT_THROW(attrs.integers("i"), ModelError);
}

TEST(ConstantStore, NamesTheNearest) {
  ConstantStore store;
  store.set("conv1.weight", Tensor::scalar(1.0f));
  try {
    store.get("conv1.weigth");
    FAIL() << "expected ModelError";
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("\"conv1.weight\""), std::string::npos) << error.what();
  }
}

class Verify : public testing::Test {
 protected:
  Verify() {
    const ValueId x = model_.graph.add_input("x", DType::kF32, {Dim::symbol("N"), 4});
    const ValueId w = model_.graph.add_constant("fc.weight", Role::kParameter, DType::kF32, {3, 4});
    model_.constants.set("fc.weight", Tensor(DType::kF32, {3, 4}));
    model_.graph.set_outputs({model_.graph.add("Gemm", "fc", {x, w}, {{"transB", int64_t{1}}})});
  }
  std::string failure() const {
    try {
      verify(model_.graph, model_.constants, ops_);
    } catch (const ModelError& error) {
      return error.what();
    }
    return "";
  }
  Node& fc() { return model_.graph.node(model_.graph.find_node("fc")); }
  GraphWithConstants model_;
  OpTable ops_ = builtin_ops();
};

TEST_F(Verify, AcceptsAndInfers) {
  EXPECT_EQ(failure(), "");
  infer_shapes(model_.graph, model_.constants, ops_);
  EXPECT_EQ(*model_.graph.value(model_.graph.find_value("fc")).shape, (DimShape{Dim::symbol("N"), 3}));
}

TEST_F(Verify, UnknownOperator) {
  fc().op = "Gem";
  EXPECT_NE(failure().find("Gemm"), std::string::npos) << failure();
}

TEST_F(Verify, UnknownAttribute) {
  fc().attrs.set("trans_b", int64_t{1});
  EXPECT_NE(failure().find("trans_b"), std::string::npos) << failure();
}

TEST_F(Verify, AttributeType) {
  fc().attrs.set("transB", std::string("yes"));
  EXPECT_NE(failure().find("transB"), std::string::npos) << failure();
}

TEST_F(Verify, Arity) {
  fc().inputs.pop_back();
  EXPECT_NE(failure().find("inputs"), std::string::npos) << failure();
  fc().inputs = {fc().inputs[0], kNoValue};
  EXPECT_NE(failure().find("input 1"), std::string::npos) << failure();
}

TEST_F(Verify, ConstantMissingOrOfAnotherShapeOrType) {
  model_.constants.set("fc.weight", Tensor(DType::kF32, {4, 3}));
  EXPECT_NE(failure().find("[3, 4]"), std::string::npos) << failure();
  model_.constants.set("fc.weight", Tensor(DType::kF16, {3, 4}));
  EXPECT_NE(failure().find("F16"), std::string::npos) << failure();
  model_.constants.erase("fc.weight");
  EXPECT_NE(failure().find("fc.weight"), std::string::npos) << failure();
}

TEST_F(Verify, AnOperatorOfOnesOwn) {
  ops_.add(
      {.name = "my.Twice", .infer = [](InferContext& context) { context.set(0, context.shape(0), context.dtype(0)); }});
  model_.graph.set_outputs({model_.graph.add("my.Twice", "twice", {model_.graph.find_value("fc")})});
  EXPECT_EQ(failure(), "");
  infer_shapes(model_.graph, model_.constants, ops_);
  EXPECT_EQ(*model_.graph.value(model_.graph.find_value("twice")).shape, (DimShape{Dim::symbol("N"), 3}));
}

}  // namespace
}  // namespace pare
