// Fixtures come from make_exported.py, which runs PyTorch.
#include "core/import/pt2_import.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/file.h"
#include "core/format/safetensors.h"
#include "core/runtime/executor.h"
#include "tests/format/hostile.h"
#include "tests/import/archive.h"

namespace pare {
namespace {

using test::kFixtures;

// Both sides compute in float with sums in another order: a few units in the last place of values up to about 10,
// through about 30 layers.
constexpr double kTolerance = 2e-5;

FrozenModel parse_pt2(const std::string& bytes) {
  return test::with_copy(bytes, [](auto span, auto owner) { return import_pt2(span, owner, "test"); });
}

std::string refusal(const std::string& bytes) {
  try {
    parse_pt2(bytes);
  } catch (const ModelError& error) {
    return error.what();
  }
  return "accepted";
}

std::vector<Tensor> listed(const std::map<std::string, Tensor>& tensors, const std::string& kind) {
  std::vector<Tensor> out;
  while (tensors.count(kind + "." + std::to_string(out.size())))
    out.push_back(tensors.at(kind + "." + std::to_string(out.size())));
  return out;
}

class Exported : public testing::TestWithParam<const char*> {};

TEST_P(Exported, model_gives_pytorchs_outputs) {
  const std::string base = kFixtures + GetParam();
  const auto tensors = read_safetensors(base + ".safetensors").tensors;
  const std::vector<Tensor> got = Executor(import_pt2(base + ".pt2")).run(listed(tensors, "input")),
                            want = listed(tensors, "output");
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_EQ(got[i].shape(), want[i].shape()) << i;
    ASSERT_EQ(got[i].dtype(), want[i].dtype()) << i;
    const auto a = got[i].to_doubles(), b = want[i].to_doubles();
    for (size_t k = 0; k < a.size(); ++k)
      ASSERT_NEAR(a[k], b[k], kTolerance * (1 + std::abs(b[k]))) << "output " << i << ", element " << k;
  }
}

INSTANTIATE_TEST_SUITE_P(Pt2Import, Exported, testing::Values("cnn", "cnn_core", "transformer", "mixed"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Pt2Import, names_and_roles_are_those_of_the_state_dict) {
  const Graph graph = import_pt2(kFixtures + "cnn.pt2").graph;
  ASSERT_EQ(graph.inputs().size(), 1u);
  EXPECT_EQ(*graph.value(graph.inputs()[0]).shape, (DimShape{Dim::symbol("N"), 3, 16, 16}));
  for (const char* name : {"stem.0.0", "expand.0", "depthwise.1", "squeeze", "head", "last"})
    EXPECT_NE(graph.find_node(name), kNoNode) << name;
  EXPECT_EQ(graph.node(graph.find_node("depthwise.0")).attrs.integer("group"), 16);
  EXPECT_EQ(graph.value(graph.find_value("stem.0.0.weight")).role, Role::kParameter);
  EXPECT_EQ(graph.value(graph.find_value("stem.0.1.running_var")).role, Role::kBuffer);
}

TEST(Pt2Import, other_batch_sizes_work) {
  const auto tensors = read_safetensors(kFixtures + "cnn.safetensors").tensors;
  const std::vector<int64_t> rows = {2};
  const Tensor x = take(tensors.at("input.0"), 0, rows), want = take(tensors.at("output.0"), 0, rows);
  const Tensor got = Executor(import_pt2(kFixtures + "cnn.pt2")).run({x})[0];
  for (int64_t i = 0; i < want.numel(); ++i)
    EXPECT_NEAR(got.to_doubles()[static_cast<size_t>(i)], want.to_doubles()[static_cast<size_t>(i)], kTolerance);
}

TEST(Pt2Import, unsupported_calls_are_listed) {
  const std::string text = refusal(read_file(kFixtures + "refused.pt2"));
  EXPECT_NE(text.find("1 of 2 calls cannot be represented: \"getitem\" (gru)"), std::string::npos) << text;
}

// An archive with one float input "x" [2, 3] and these nodes; output "y".
std::string archive(const std::string& nodes) {
  const std::string meta = R"({"dtype":7,"sizes":[{"as_int":2},{"as_int":3}],"strides":[{"as_int":3},{"as_int":1}],)"
                           R"("storage_offset":{"as_int":0}})";
  const std::string model = R"({"schema_version":{"major":8,"minor":1},"graph_module":{"graph":{"nodes":[)" + nodes +
                            R"(],"tensor_values":{"x":)" + meta +
                            R"(}},"signature":{"input_specs":[{"user_input":{"arg":{"as_tensor":{"name":"x"}}}}],)" +
                            R"("output_specs":[{"user_output":{"arg":{"as_tensor":{"name":"y"}}}}]}}})";
  return test::zip_of({{"m/models/model.json", model}});
}

std::string node(const std::string& target, const std::string& arguments, const std::string& result) {
  return R"({"target":"torch.ops.aten.)" + target + R"(","inputs":[)" + arguments +
         R"(],"outputs":[{"as_tensor":{"name":")" + result + R"("}}],"metadata":{}})";
}

std::string tensor(const std::string& key, const std::string& name) {
  return R"({"name":")" + key + R"(","arg":{"as_tensor":{"name":")" + name + R"("}}})";
}

TEST(Pt2Import, ranges_and_filled_tensors_become_literals) {
  const auto number = [](const char* key, int value) {
    return R"({"name":")" + std::string(key) + R"(","arg":{"as_int":)" + std::to_string(value) + "}}";
  };
  const std::string size = R"({"name":"size","arg":{"as_ints":[2,1]}},{"name":"fill_value","arg":{"as_float":0.5}})";
  const std::string bytes = archive(node("arange.start", number("start", 4) + "," + number("end", 7), "a") + "," +
                                    node("full.default", size, "b") + "," +
                                    node("add.Tensor", tensor("self", "x") + "," + tensor("other", "a"), "c") + "," +
                                    node("mul.Tensor", tensor("self", "c") + "," + tensor("other", "b"), "y"));
  const Tensor y = Executor(parse_pt2(bytes)).run({Tensor::of<float>({0, 1, 2, 3, 4, 5}, {2, 3})})[0];
  EXPECT_EQ(y.to_doubles(), (std::vector<double>{2, 3, 4, 3.5, 4.5, 5.5}));
}

TEST(Pt2Import, changes_in_place_are_seen_by_later_readers) {
  const std::string bytes =
      archive(node("neg.default", tensor("self", "x"), "a") + "," + node("relu_.default", tensor("self", "a"), "b") +
              "," + node("add.Tensor", tensor("self", "a") + "," + tensor("other", "b"), "y"));
  const Tensor y = Executor(parse_pt2(bytes)).run({Tensor::of<float>({1, -2, 3, -4, 5, -6}, {2, 3})})[0];
  EXPECT_EQ(y.to_doubles(), (std::vector<double>{0, 4, 0, 8, 0, 12}));
}

TEST(Pt2Import, changes_of_shared_memory_are_refused) {
  const std::string bytes =
      archive(node("t.default", tensor("self", "x"), "a") + "," + node("relu_.default", tensor("self", "a"), "y"));
  EXPECT_NE(refusal(bytes).find("run_decompositions"), std::string::npos) << refusal(bytes);
}

TEST(Pt2Import, truncations_and_mutations_are_errors_or_valid_models) {
  const std::string bytes =
      archive(node("relu.default", tensor("self", "x"), "a") + "," + node("t.default", tensor("self", "a"), "y"));
  EXPECT_EQ(refusal(bytes), "accepted");
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_THROW(parse_pt2(bytes.substr(0, length)), Error) << length;
  test::mutate(bytes, 5000, [](const std::string& copy) { parse_pt2(copy); });
  test::mutate(
      read_file(kFixtures + "cnn.pt2"), 300, [](const std::string& copy) { parse_pt2(copy); }, 5);
  test::mutate(
      read_file(kFixtures + "mixed.pt2"), 300, [](const std::string& copy) { parse_pt2(copy); }, 6);
}

}  // namespace
}  // namespace pare
