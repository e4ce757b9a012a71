#include <gtest/gtest.h>

#include <cmath>

#include "core/graph/passes/fold_batch_norm.h"
#include "core/graph/passes/fold_constants.h"
#include "core/graph/passes/pass.h"
#include "core/graph/passes/remove_dead.h"
#include "core/graph/passes/remove_identity.h"
#include "core/graph/text_form.h"

namespace pare {
namespace {

// A graph from text; constants count up from 1 in steps of 0.5 (variances stay positive), integer ones are zero.
GraphWithConstants model_of(const std::string& text) {
  GraphWithConstants out{parse_graph(text), {}};
  for (ValueId id : out.graph.values()) {
    const Value& value = out.graph.value(id);
    if (!value.is_constant()) continue;
    Tensor tensor(value.dtype, evaluate(*value.shape, {}));
    if (value.dtype == DType::kF32)
      for (int64_t i = 0; i < tensor.numel(); ++i)
        tensor.mutable_data<float>()[i] = 1.0f + 0.5f * static_cast<float>(i);
    out.constants.set(value.name, std::move(tensor));
  }
  infer_shapes(out.graph, out.constants, builtin_ops());
  return out;
}

void expect_sound(GraphWithConstants& model) {
  const OpTable ops = builtin_ops();
  infer_shapes(model.graph, model.constants, ops);
  verify(model.graph, model.constants, ops);
}

std::vector<std::string> ops_of(const Graph& graph) {
  std::vector<std::string> out;
  for (NodeId n : graph.order()) out.push_back(graph.node(n).op);
  return out;
}

constexpr const char* kNorm =
    "buffer mean: F32[4]\nbuffer var: F32[4]\nparameter gamma: F32[4]\nparameter beta: F32[4]\n";

double norm_scale(size_t c) {
  return (1.0 + 0.5 * static_cast<double>(c)) / std::sqrt(1.0 + 0.5 * static_cast<double>(c));
}

TEST(FoldBatchNorm, IntoConvWithoutBias) {
  auto m =
      model_of(std::string("graph g\ninput x: F32[N, 2, 5, 5]\nparameter w: F32[4, 2, 3, 3]\n") + kNorm +
               "conv: F32? = Conv(x, w)\nbn: F32? = BatchNormalization(conv, gamma, beta, mean, var) {epsilon=0.0}\n"
               "y: F32? = Relu(bn)\noutput y\n");
  const Tensor before = m.constants.get("w");
  const Remap remap = fold_batch_norm(m);
  expect_sound(m);
  EXPECT_EQ(ops_of(m.graph), (std::vector<std::string>{"Conv", "Relu"}));
  const Tensor& w = m.constants.get("w");
  for (size_t i = 0; i < 72; ++i)
    EXPECT_EQ(w.span<float>()[i], static_cast<float>(before.span<float>()[i] * norm_scale(i / 18)));
  for (size_t c = 0; c < 4; ++c) {
    const double mean = 1.0 + 0.5 * static_cast<double>(c);
    EXPECT_EQ(m.constants.get("conv.bias").span<float>()[c], static_cast<float>(mean - mean * norm_scale(c)));
  }
  EXPECT_EQ(remap.entries.at("w").kind, ParamRemap::Kind::kMerged);
  EXPECT_EQ(remap.entries.at("conv.bias").kind, ParamRemap::Kind::kNew);
  EXPECT_EQ(remap.removed, (std::vector<std::string>{"beta", "gamma", "mean", "var"}));
}

TEST(FoldBatchNorm, IntoGroupedConvTransposeByOutputChannel) {
  auto m = model_of(
      std::string("graph g\ninput x: F32[N, 2, 5, 5]\nparameter w: F32[2, 2, 1, 3]\nparameter b: F32[4]\n") + kNorm +
      "up: F32? = ConvTranspose(x, w, b) {group=2}\n"
      "bn: F32? = BatchNormalization(up, gamma, beta, mean, var) {epsilon=0.0}\noutput bn\n");
  const Tensor before = m.constants.get("w");
  const Remap remap = fold_batch_norm(m);
  expect_sound(m);
  for (size_t i = 0; i < 12; ++i)  // row r is group r; its two outputs are channels 2r and 2r + 1
    EXPECT_EQ(m.constants.get("w").span<float>()[i], static_cast<float>(before.span<float>()[i] * norm_scale(i / 3)));
  EXPECT_EQ(remap.entries.at("b").kind, ParamRemap::Kind::kMerged);
}

TEST(FoldBatchNorm, IntoGemmWithEitherLayout) {
  for (const bool transposed : {false, true}) {
    auto m = model_of(fmt("graph g\ninput x: F32[N, 3]\nparameter w: F32[{}]\n", transposed ? "4, 3" : "3, 4") + kNorm +
                      fmt("fc: F32? = Gemm(x, w) {{transB={}}\n", transposed ? 1 : 0) +
                      "bn: F32? = BatchNormalization(fc, gamma, beta, mean, var) {epsilon=0.0}\noutput bn\n");
    const Tensor before = m.constants.get("w");
    fold_batch_norm(m);
    expect_sound(m);
    for (size_t i = 0; i < 12; ++i)
      EXPECT_EQ(m.constants.get("w").span<float>()[i],
                static_cast<float>(before.span<float>()[i] * norm_scale(transposed ? i / 3 : i % 4)));
  }
}

TEST(FoldBatchNorm, BecomesMulAndAddElsewhere) {
  const std::string norm = "bn: F32? = BatchNormalization(conv, gamma, beta, mean, var)\n";
  const std::string head = std::string("graph g\ninput x: F32[N, 4, 5, 5]\nparameter w: F32[4, 4, 3, 3]\n") + kNorm;
  // behind an input, behind a layer that someone else reads, behind an output
  for (const std::string& body : {"conv: F32? = Relu(x)\n" + norm + "output bn\n",
                                 "conv: F32? = Conv(x, w)\n" + norm + "y: F32? = Add(bn, conv)\noutput y\n",
                                 "conv: F32? = Conv(x, w)\n" + norm + "output bn\noutput conv\n"}) {
    auto m = model_of(head + body);
    const Remap remap = fold_batch_norm(m);
    expect_sound(m);
    const auto ops = ops_of(m.graph);
    EXPECT_EQ(ops[1], "Mul");
    EXPECT_EQ(ops[2], "Add");
    EXPECT_EQ(m.constants.get("bn.scale").shape(), (Shape{4, 1, 1}));
    EXPECT_EQ(remap.entries.at("bn.shift").kind, ParamRemap::Kind::kNew);
  }
}

TEST(FoldBatchNorm, SharedWeightsAreNotScaledTwice) {
  auto m = model_of(std::string("graph g\ninput x: F32[N, 4, 5, 5]\nparameter w: F32[4, 4, 1, 1]\n") + kNorm +
                    "a: F32? = Conv(x, w)\nna: F32? = BatchNormalization(a, gamma, beta, mean, var) {epsilon=0.0}\n"
                    "b: F32? = Conv(na, w)\noutput b\n");
  const Tensor before = m.constants.get("w");
  fold_batch_norm(m);
  expect_sound(m);
  EXPECT_TRUE(same_bytes(m.constants.get("w"), before));
  EXPECT_EQ(m.constants.get("w_1").span<float>()[15], static_cast<float>(before.span<float>()[15] * norm_scale(3)));
}

TEST(RemoveIdentity, RemovesWhatDoesNothing) {
  auto m = model_of(
      "graph g\ninput x: F32[N, 4, 5]\na: F32? = Relu(x)\nb: F32? = Identity(a)\nc: F32? = Pad(b) {pads=[0, 0, 0, 0, 0, 0]}\n"
      "d: F32? = Cast(c) {to=\"F32\"}\ne: F32? = Transpose(d) {perm=[0, 1, 2]}\nf: F32? = Reshape(e) {shape=[0, 4, -1]}\n"
      "h: F32? = Dropout(f) {ratio=0.5}\nk: F32? = Slice(h) {starts=[0], ends=[5], axes=[2]}\nr: F32? = Identity(k)\noutput r\n");
  auto trained = m;
  remove_identity(trained);
  expect_sound(trained);
  EXPECT_EQ(ops_of(trained.graph), (std::vector<std::string>{"Relu", "Dropout"}));
  remove_identity(m, {.dropout = true});
  expect_sound(m);
  EXPECT_EQ(ops_of(m.graph), (std::vector<std::string>{"Relu"}));
  EXPECT_EQ(m.graph.value(m.graph.outputs()[0]).name, "r") << "an output keeps its name";
}

TEST(RemoveIdentity, KeepsWhatDoesSomething) {
  const char* text =
      "graph g\ninput x: F32[4, 4]\na: F32? = Transpose(x) {perm=[1, 0]}\nb: F32? = Pad(a) {pads=[1, 0, -1, 0]}\n"
      "c: F32? = Slice(b) {starts=[-1], ends=[-9], axes=[0], steps=[-1]}\nd: F32? = Reshape(c) {shape=[2, 8]}\noutput d\noutput x\n";
  auto m = model_of(text);
  remove_identity(m);
  expect_sound(m);
  EXPECT_EQ(m.graph.order().size(), 4u);
}

TEST(RemoveIdentity, KeepsTheNodeBetweenInputAndOutput) {
  auto m = model_of("graph g\ninput x: F32[N]\ny: F32? = Identity(x)\noutput y\n");
  remove_identity(m);
  expect_sound(m);
  EXPECT_EQ(m.graph.value(m.graph.outputs()[0]).name, "y");
}

constexpr const char* kShapeChain =
    "graph g\ninput x: F32[N, 4, 6]\nliteral i: I64[1]\nliteral rest: I64[1]\n"
    "s: I64? = Shape(x)\nn: I64? = Gather(s, i)\nm: I64? = Shape(x) {start=1, end=2}\nt: I64? = Concat(n, m, rest) {axis=0}\n"
    "y: F32? = Reshape(x, t)\noutput y\n";

GraphWithConstants chain_model() {
  GraphWithConstants m{parse_graph(kShapeChain), {}};
  m.constants.set("i", Tensor::of<int64_t>({0}, {1}));
  m.constants.set("rest", Tensor::of<int64_t>({-1}, {1}));
  return m;
}

TEST(FoldConstants, ShapeChainBecomesAnAttribute) {
  auto m = chain_model();
  const Remap remap = fold_constants(m, builtin_ops());
  expect_sound(m);
  EXPECT_EQ(ops_of(m.graph), (std::vector<std::string>{"Reshape"}));
  EXPECT_EQ(m.graph.node(m.graph.order()[0]).attrs.integers("shape"), (std::vector<int64_t>{0, 4, -1}));
  EXPECT_TRUE(remap.entries.empty());
  EXPECT_EQ(remap.removed.size(), 2u);
}

TEST(FoldConstants, EvaluatesNodesOfConstants) {
  auto m = model_of(
      "graph g\ninput x: F32[N]\nliteral c: F32[2]\nparameter p: F32[2]\na: F32? = Neg(c)\nb: F32? = Neg(p)\n"
      "s: F32? = Add(a, b)\ny: F32? = Concat(s, x) {axis=0}\noutput y\n");
  const FoldConstantsOptions options{.evaluate = [](const Node& node, const std::vector<Tensor>& inputs) {
    Tensor out = inputs.at(0).clone();
    for (int64_t i = 0; i < out.numel(); ++i) {
      float& value = out.mutable_data<float>()[i];
      value = node.op == "Neg" ? -value : value + inputs.at(1).span<float>()[static_cast<size_t>(i)];
    }
    return std::vector<Tensor>{out};
  }};
  auto trained = m;
  fold_constants(trained, builtin_ops(), options);
  expect_sound(trained);
  EXPECT_EQ(ops_of(trained.graph), (std::vector<std::string>{"Neg", "Add", "Concat"})) << "parameters stay trainable";
  auto deployed = options;
  deployed.parameters = true;
  fold_constants(m, builtin_ops(), deployed);
  expect_sound(m);
  EXPECT_EQ(ops_of(m.graph), (std::vector<std::string>{"Concat"}));
  EXPECT_EQ(m.constants.get("s").to_doubles(), (std::vector<double>{-2.0, -3.0}));
}

TEST(FoldConstants, QuantizedWeightsStayQuantized) {
  auto m = model_of("graph g\ninput x: F32[2]\nliteral q: I8[2]\nliteral s: F32[]\nd: F32? = DequantizeLinear(q, s)\n"
                    "y: F32? = Add(x, d)\noutput y\n");
  fold_constants(m, builtin_ops(), {.evaluate = [](const Node&, const std::vector<Tensor>&) -> std::vector<Tensor> {
                   throw InternalError("must not be asked");
                 }});
  EXPECT_EQ(m.graph.order().size(), 2u);
}

TEST(RemoveDead, RemovesNodesAndConstants) {
  auto m = model_of(
      "graph g\ninput x: F32[4]\nparameter p: F32[4]\nparameter q: F32[4]\na: F32? = Add(x, p)\nb: F32? = Mul(a, q)\n"
      "c: F32? = Neg(b)\noutput a\n");
  const Remap remap = remove_dead(m);
  expect_sound(m);
  EXPECT_EQ(m.graph.order().size(), 1u);
  EXPECT_EQ(remap.removed, std::vector<std::string>{"q"});
  EXPECT_FALSE(m.constants.has("q"));
}

TEST(RunPasses, SkipsTimesAndComposes) {
  const std::string text =
      std::string("graph g\ninput x: F32[N, 2, 5, 5]\nparameter w: F32[4, 2, 3, 3]\n") + kNorm +
      "conv: F32? = Conv(x, w)\nid: F32? = Identity(conv)\n"
      "bn: F32? = BatchNormalization(id, gamma, beta, mean, var)\ny: F32? = Dropout(bn)\noutput y\n";
  auto m = model_of(text);
  const auto result = run_passes(m, builtin_ops(), inference_passes());
  EXPECT_EQ(ops_of(m.graph), std::vector<std::string>{"Conv"});
  EXPECT_EQ(result.remap.entries.at("w").kind, ParamRemap::Kind::kMerged);
  EXPECT_EQ(result.timings.at(0).nodes_before, 4);
  EXPECT_EQ(result.timings.at(1).nodes_after, 1);

  auto skipped = model_of(text);
  const auto timings = run_passes(skipped, builtin_ops(), inference_passes(), {"fold_batch_norm"}).timings;
  EXPECT_EQ(ops_of(skipped.graph), (std::vector<std::string>{"Conv", "BatchNormalization"}));
  EXPECT_TRUE(timings.at(1).skipped);
  EXPECT_THROW(run_passes(skipped, builtin_ops(), inference_passes(), {"fold_batchnorm"}), ConfigError);
}

TEST(RunPasses, AFailingPassLeavesTheModel) {
  auto m = model_of("graph g\ninput x: F32[N]\ny: F32? = Relu(x)\noutput y\n");
  const std::string before = print_graph(m.graph);
  const Pass broken = {"break", [](GraphWithConstants& model, const OpTable&) {
                         model.graph.node(model.graph.order()[0]).op = "Relo";
                         return Remap{};
                       }};
  try {
    run_passes(m, builtin_ops(), {broken});
    FAIL() << "expected ModelError";
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("[pass break]"), std::string::npos) << error.what();
  }
  EXPECT_EQ(print_graph(m.graph), before);
}

TEST(Remap, ComposesAndApplies) {
  Remap first, second;
  first.entries["b"] = {ParamRemap::Kind::kSliced, "a", {{0, {2, 0, 1}}}};
  first.entries["made"] = {.kind = ParamRemap::Kind::kNew};
  first.removed = {"old"};
  second.entries["c"] = {ParamRemap::Kind::kSliced, "b", {{0, {1, 2}}}};
  second.entries["d"] = {ParamRemap::Kind::kKept, "other", {}};
  second.removed = {"b", "made", "late"};
  const Remap both = compose(first, second);
  EXPECT_EQ(both.removed, (std::vector<std::string>{"a", "late", "old"}));
  EXPECT_EQ(both.entries.size(), 2u);
  EXPECT_EQ(both.entries.at("d").from, "other");
  const Tensor cut = apply(both.entries.at("c"), Tensor::of<float>({10, 11, 12, 13}, {4}));
  EXPECT_EQ(cut.to_doubles(), (std::vector<double>{10, 11}));
  EXPECT_THROW(apply({.kind = ParamRemap::Kind::kNew}, cut), InternalError);
}

}  // namespace
}  // namespace pare
