#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "core/graph/passes/pass.h"
#include "core/model/rewrite.h"
#include "core/zoo/zoo.h"
#include "tests/model/helpers.h"

namespace pare::testing {
namespace {

// x [N, 4] -> a (6 units) -> relu -> b (3 units).
struct TwoLayers {
  static Graph graph(int64_t width) {
    Graph g;
    const ValueId x = g.add_input("x", DType::kF32, {Dim::symbol("N"), 4});
    const ValueId a = g.add("Gemm", "a", {x, g.add_constant("a.weight", Role::kParameter, DType::kF32, {width, 4}),
                                          g.add_constant("a.bias", Role::kParameter, DType::kF32, {width})},
                            {{"transB", int64_t{1}}});
    const ValueId r = g.add("Relu", "relu", {a});
    g.set_outputs({g.add("Gemm", "b", {r, g.add_constant("b.weight", Role::kParameter, DType::kF32, {3, width})},
                         {{"transB", int64_t{1}}})});
    return g;
  }
  static Model model() {
    ConstantStore constants;
    constants.set("a.weight", random_tensor({6, 4}, 1));
    constants.set("a.bias", random_tensor({6}, 2));
    constants.set("b.weight", random_tensor({3, 6}, 3));
    return Model(graph(6), constants);
  }
  static Remap keep(const std::vector<int64_t>& units) {
    using Kind = ParamRemap::Kind;
    Remap out;
    out.entries["a.weight"] = {Kind::kSliced, "a.weight", {{0, units}}};
    out.entries["a.bias"] = {Kind::kSliced, "a.bias", {{0, units}}};
    out.entries["b.weight"] = {Kind::kSliced, "b.weight", {{1, units}}};
    return out;
  }
};

class Listener : public RemapListener {
 public:
  bool refuse = false;
  int checks = 0, remaps = 0;
  std::string holder() const override { return "listener"; }
  void check_remap(const Remap&) const override {
    ++const_cast<Listener*>(this)->checks;
    PARE_CHECK(!refuse, ModelError, "[listener] refuses");
  }
  void remap(Model& model, const Remap&) override {
    ++remaps;
    EXPECT_EQ(model.param("a.bias").raw.size(0), 3) << "told before the model had its new parameters";
  }
};

TEST(Adopt, SlicesBitForBitWithChainsAndGradients) {
  Model model = TwoLayers::model();
  const at::Tensor mask = random({6, 4}, 7).gt(0).to(at::kFloat);
  model.add_link("a.weight", std::make_shared<Mask>(mask));
  model.forward({random({5, 4})})[0].sum().backward();
  const at::Tensor weight = model.param("a.weight").raw.detach().clone(),
                   grad = model.param("a.weight").raw.grad().clone();
  const at::Tensor columns = model.param("b.weight").raw.detach().clone();
  const at::Tensor keep = at::tensor(std::vector<int64_t>{4, 0, 5}, at::kLong);

  model.adopt(TwoLayers::graph(3), TwoLayers::keep({4, 0, 5}));
  const Param& a = model.param("a.weight");
  EXPECT_TRUE(same_bits(a.raw, weight.index_select(0, keep)));
  EXPECT_TRUE(same_bits(a.raw.grad(), grad.index_select(0, keep)));
  EXPECT_TRUE(a.raw.requires_grad() && a.raw.is_leaf());
  EXPECT_TRUE(same_bits(static_cast<const Mask&>(*a.chain.at(0)).mask(), mask.index_select(0, keep)));
  EXPECT_TRUE(same_bits(model.param("b.weight").raw, columns.index_select(1, keep)));
  EXPECT_EQ(model.forward({random({5, 4})})[0].sizes().vec(), (std::vector<int64_t>{5, 3}));
}

TEST(Adopt, KeepsTheLeafOfAKeptParameter) {
  Model model = TwoLayers::model();
  const at::Tensor leaf = model.param("a.weight").raw;
  model.adopt(TwoLayers::graph(6), {});
  EXPECT_TRUE(leaf.is_same(model.param("a.weight").raw));
}

TEST(Adopt, TellsListenersOnce) {
  Model model = TwoLayers::model();
  Listener listener;
  model.add_listener(&listener);
  model.adopt(TwoLayers::graph(3), TwoLayers::keep({0, 1, 2}));
  EXPECT_EQ(listener.checks, 1);
  EXPECT_EQ(listener.remaps, 1);
  model.remove_listener(&listener);
  model.adopt(TwoLayers::graph(3), {});
  EXPECT_EQ(listener.remaps, 1);
}

// A change that must fail leaves parameters, chains, graph and outputs as they were.
template <class Change>
void expect_refusal(Model& model, Change change) {
  const at::Tensor x = random({5, 4}), before = model.forward({x})[0];
  std::vector<at::Tensor> leaves;
  for (const Param& p : model.params()) leaves.push_back(p.raw);
  EXPECT_THROW(change(), ModelError);
  ASSERT_EQ(model.params().size(), leaves.size());
  for (size_t i = 0; i < leaves.size(); ++i) EXPECT_TRUE(leaves[i].is_same(model.params()[i].raw));
  EXPECT_TRUE(same_bits(before, model.forward({x})[0]));
}

TEST(Adopt, RefusalLeavesTheModelAsItWas) {
  Model model = TwoLayers::model();
  Listener first, second;
  second.refuse = true;
  model.add_listener(&first);
  model.add_listener(&second);
  expect_refusal(model, [&] { model.adopt(TwoLayers::graph(3), TwoLayers::keep({0, 1, 2})); });
  EXPECT_EQ(first.remaps, 0);
  model.remove_listener(&second);

  Remap uneven = TwoLayers::keep({0, 1, 2});
  uneven.entries["a.bias"].cuts[0].indices = {0, 1};
  expect_refusal(model, [&] { model.adopt(TwoLayers::graph(3), uneven); });

  Remap outside = TwoLayers::keep({0, 1, 9});
  expect_refusal(model, [&] { model.adopt(TwoLayers::graph(3), outside); });

  Graph unknown = TwoLayers::graph(6);
  unknown.node(unknown.find_node("relu")).op = "Relux";
  expect_refusal(model, [&] { model.adopt(unknown, {}); });

  Remap absent;
  absent.entries["a.bias"] = {ParamRemap::Kind::kKept, "nobody", {}};
  expect_refusal(model, [&] { model.adopt(TwoLayers::graph(6), absent); });

  Remap fresh;
  fresh.entries["a.bias"] = {.kind = ParamRemap::Kind::kNew};
  expect_refusal(model, [&] { model.adopt(TwoLayers::graph(6), fresh); });
  EXPECT_EQ(first.remaps, 0);
}

TEST(Adopt, IntegersRefuseAMerge) {
  Model model = TwoLayers::model();
  model.add_link("a.weight",
                 std::make_shared<AffineQuant>(at::tensor(std::vector<float>{0.1f}), at::tensor(std::vector<int>{0}),
                                               Encoding{.codec = Codec::kAffine}));
  Remap merge;
  merge.entries["a.weight"] = {.kind = ParamRemap::Kind::kMerged};
  ConstantStore fresh;
  fresh.set("a.weight", random_tensor({6, 4}, 5));
  expect_refusal(model, [&] { model.adopt(TwoLayers::graph(6), merge, fresh); });
}

TEST(Rewrite, FoldsBatchNormAndKeepsMasks) {
  const GraphWithConstants parts = zoo("resnet20", {.seed = 3});
  Model model(parts.graph, parts.constants);
  const at::Tensor x = random({4, 3, 32, 32});
  model.train();
  model.forward({random({16, 3, 32, 32}, 2)});  // statistics other than 0 and 1
  model.train(false);
  model.add_link("layer1.0.conv1.weight", std::make_shared<Mask>(random({16, 16, 3, 3}, 4).gt(0)));
  const at::Tensor before = model.forward({x})[0];
  const double sparsity = model.effective("layer1.0.conv1.weight").eq(0).to(at::kDouble).mean().item<double>();
  rewrite(model, inference_passes());
  for (NodeId id : model.graph().order()) EXPECT_NE(model.graph().node(id).op, "BatchNormalization");
  EXPECT_LE(max_difference(before, model.forward({x})[0]), kFoldTolerance * max_abs(before));
  EXPECT_EQ(model.effective("layer1.0.conv1.weight").eq(0).to(at::kDouble).mean().item<double>(), sparsity);
  EXPECT_GT(sparsity, 0.4);
}

}  // namespace
}  // namespace pare::testing
