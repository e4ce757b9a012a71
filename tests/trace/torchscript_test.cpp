// Fixtures come from make_scripted.py, which runs PyTorch.
#include "core/trace/torchscript.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "core/base/file.h"
#include "core/format/pare_file.h"
#include "core/format/safetensors.h"
#include "core/model/freeze.h"
#include "core/model/tensor_bridge.h"
#include "core/runtime/executor.h"
#include "core/trace/example_inputs.h"
#include "tests/format/hostile.h"

namespace pare {
namespace {

const std::string kScripted = "tests/trace/fixtures/";

// Both sides compute in float with sums in another order, through about 30 layers; relative to an output's magnitude.
constexpr double kScriptTolerance = 1e-5;

std::vector<at::Tensor> fixture(const std::string& name, const std::string& kind) {
  const auto tensors = read_safetensors(kScripted + name + ".safetensors").tensors;
  std::vector<at::Tensor> out;
  while (tensors.count(kind + "." + std::to_string(out.size())))
    out.push_back(borrow(tensors.at(kind + "." + std::to_string(out.size()))).clone());
  return out;
}

std::vector<Tensor> lent(const std::vector<at::Tensor>& tensors) {
  std::vector<Tensor> out;
  for (const at::Tensor& tensor : tensors) out.push_back(lend(tensor));
  return out;
}

std::string script_refusal(const std::string& name, const std::vector<std::string>& shapes) {
  try {
    import_torchscript(kScripted + name + ".pt", example_inputs(shapes));
  } catch (const ModelError& error) {
    return error.what();
  }
  return "accepted";
}

class Scripts : public testing::TestWithParam<const char*> {};

TEST_P(Scripts, model_gives_pytorchs_outputs_at_any_batch) {
  const std::string name = GetParam();
  const auto inputs = fixture(name, "input"), want = fixture(name, "output");
  const Traced traced = import_torchscript(kScripted + name + ".pt", inputs);
  EXPECT_TRUE(traced.any_batch);
  EXPECT_LE(traced.largest_difference, 1e-3);
  Executor executor(traced.frozen);
  for (const int64_t rows : {want[0].size(0), int64_t{1}}) {
    std::vector<at::Tensor> some;
    for (const at::Tensor& input : inputs) some.push_back(input.narrow(0, 0, rows));
    const std::vector<Tensor> got = executor.run(lent(some));
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i) {
      const at::Tensor a = borrow(got[i]), b = want[i].narrow(0, 0, rows);
      ASSERT_EQ(a.sizes(), b.sizes()) << i;
      ASSERT_EQ(a.scalar_type(), b.scalar_type()) << i;
      const double size = std::max(1.0, b.abs().max().item().toDouble());
      EXPECT_LE((a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>(), kScriptTolerance * size) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Torchscript, Scripts,
                         testing::Values("traced_cnn", "frozen_cnn", "traced_transformer", "traced_mixed", "scripted",
                                         "encoder"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Torchscript, names_and_roles_are_those_of_the_state_dict) {
  const Graph graph = import_torchscript(kScripted + "traced_cnn.pt", fixture("traced_cnn", "input")).frozen.graph;
  ASSERT_EQ(graph.inputs().size(), 1u);
  EXPECT_EQ(graph.value(graph.inputs()[0]).name, "x");
  EXPECT_EQ(*graph.value(graph.inputs()[0]).shape, (DimShape{Dim::symbol("N"), 3, 16, 16}));
  for (const char* name : {"stem.0.0", "expand.0", "depthwise.1", "squeeze", "head", "last"})
    EXPECT_NE(graph.find_node(name), kNoNode) << name;
  EXPECT_EQ(graph.node(graph.find_node("depthwise.0")).attrs.integer("group"), 16);
  EXPECT_EQ(graph.value(graph.find_value("stem.0.0.weight")).role, Role::kParameter);
  EXPECT_EQ(graph.value(graph.find_value("stem.0.1.running_var")).role, Role::kBuffer);
}

TEST(Torchscript, weights_of_a_frozen_file_can_be_trained) {
  const Model model = thaw(import_torchscript(kScripted + "frozen_cnn.pt", fixture("frozen_cnn", "input")).frozen);
  EXPECT_EQ(model.parameters().size(), 18u);  // nine layers, their norms folded: weight and bias each
}

TEST(Torchscript, imported_model_survives_its_file) {
  const Traced traced = import_torchscript(kScripted + "scripted.pt", fixture("scripted", "input"));
  const FrozenModel back = test::with_copy(serialize_pare(traced.frozen),
                                           [](auto bytes, auto owner) { return parse_pare(bytes, owner, "test"); });
  const auto inputs = lent(fixture("scripted", "input"));
  const auto a = Executor(traced.frozen).run(inputs), b = Executor(back).run(inputs);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(same_bytes(a[i], b[i])) << i;
}

TEST(Torchscript, branches_on_tensors_are_refused_with_their_line) {
  const std::string text = script_refusal("branch", {"1x3x4x4"});
  EXPECT_NE(text.find("reads what a tensor holds"), std::string::npos) << text;
  EXPECT_NE(text.find("bool(torch.gt(torch.sum("), std::string::npos) << text;
}

TEST(Torchscript, traced_files_know_their_shapes) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(traced_shapes(kScripted + "traced_transformer.pt"), (Texts{"2x6:i64", "2x6:i64"}));
  EXPECT_EQ(traced_shapes(kScripted + "traced_cnn.pt"), Texts{"3x3x16x16"});
  EXPECT_EQ(traced_shapes(kScripted + "scripted.pt"), Texts{});
}

TEST(Torchscript, wrong_inputs_are_named) {
  EXPECT_NE(script_refusal("traced_cnn", {}).find("expected example inputs"), std::string::npos);
  EXPECT_NE(script_refusal("traced_transformer", {"1x6:i64"}).find("expected"), std::string::npos);
  EXPECT_NE(script_refusal("scripted", {"1x3x16"}).find("expected 4 dims, got 3"), std::string::npos)
      << script_refusal("scripted", {"1x3x16"});
  for (const char* bad : {"", "x", "1x", "1x3x", "1x-3", "1x3:f16", "1x0", "99999999999x9", "1 x3"})
    EXPECT_THROW(example_inputs({bad}), ConfigError) << bad;
}

TEST(Torchscript, damaged_files_are_errors) {
  const std::string folder = testing::TempDir() + "pare_torchscript/", path = folder + "damaged.pt";
  std::filesystem::create_directories(folder);
  const std::string bytes = read_file(kScripted + "scripted.pt");
  const auto inputs = fixture("scripted", "input");
  const auto import_bytes = [&](const std::string& copy) {
    write_file_atomic(path, copy);
    traced_shapes(path);
    import_torchscript(path, inputs);
  };
  EXPECT_NO_THROW(import_bytes(bytes));
  for (size_t length = 0; length < bytes.size(); length += 397)
    EXPECT_THROW(import_bytes(bytes.substr(0, length)), ModelError) << length;
  test::mutate(bytes, 100, import_bytes);
  test::mutate(read_file(kScripted + "traced_mixed.pt"), 100, [&](const std::string& copy) {
    write_file_atomic(path, copy);
    traced_shapes(path);
  });
  EXPECT_THROW(import_torchscript(folder + "none.pt", inputs), IoError);
  EXPECT_THROW(import_torchscript("tests/import/fixtures/layouts.pth", inputs), ModelError);
}

}  // namespace
}  // namespace pare
