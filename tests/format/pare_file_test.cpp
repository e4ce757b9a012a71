#include "core/format/pare_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/file.h"
#include "core/format/graph_text.h"
#include "core/format/safetensors.h"
#include "core/graph/json_form.h"
#include "core/graph/op.h"
#include "core/zoo/zoo.h"
#include "tests/format/hostile.h"
#include "tests/format/small_model.h"

namespace pare {
namespace {

constexpr const char* kOldFile = "tests/data/format/v1/small.pare";

FrozenModel parse(const std::string& bytes) {
  return test::with_copy(bytes, [](auto span, auto owner) { return parse_pare(span, owner, "test"); });
}

void expect_equal(const FrozenModel& a, const FrozenModel& b) {
  EXPECT_EQ(serialize_pare(a), serialize_pare(b));
  ASSERT_EQ(a.constants.size(), b.constants.size());
  for (const auto& [name, encoded] : a.constants) {
    const EncodedTensor& other = b.constants.at(name);
    EXPECT_EQ(encoded.encoding, other.encoding) << name;
    EXPECT_TRUE(same_bytes(decode(encoded), decode(other))) << name;
  }
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.metadata, b.metadata);
  EXPECT_EQ(a.preprocess.mean, b.preprocess.mean);
  EXPECT_EQ(a.preprocess.height, b.preprocess.height);
}

TEST(PareFile, round_trip) {
  const FrozenModel model = test::small_model();
  const FrozenModel back = parse(serialize_pare(model));
  expect_equal(model, back);
  ASSERT_EQ(back.golden.size(), kGoldenInside);
  EXPECT_TRUE(same_bytes(back.golden[1].outputs[0], model.golden[1].outputs[0]));
}

TEST(PareFile, is_a_safetensors_file_with_the_constants_under_their_names) {
  const std::string bytes = serialize_pare(test::small_model());
  const auto file =
      test::with_copy(bytes, [](auto span, auto owner) { return parse_safetensors(span, owner, "test"); });
  EXPECT_EQ(file.tensors.count("fc.weight"), 1u);
  EXPECT_EQ(file.tensors.count("fc.weight#scale"), 1u);
  EXPECT_EQ(file.metadata.at("pare.format"), "1");
}

TEST(PareFile, graphs_survive_their_compact_text) {
  for (const char* name : {"lenet5", "resnet20", "mobilenet_v2"}) {
    const Graph graph = zoo(name, {.initialise = false}).graph;
    EXPECT_EQ(to_json(graph_from_text(graph_to_text(graph), "test")), to_json(graph)) << name;
  }
  Graph odd;  // several outputs, an absent input, an output of another name and type
  const ValueId x = odd.add_input("x", DType::kU8, {Dim::symbol("N"), Dim(4)});
  const NodeId split =
      odd.add_node("Split", "s", {x, kNoValue}, {{"axis", int64_t{1}}, {"a", 0.5}, {"b", std::string("t")}}, 2);
  odd.rename_value(odd.node(split).outputs[1], "renamed");
  odd.value(odd.node(split).outputs[0]).dtype = DType::kU8;
  odd.set_outputs({odd.node(split).outputs[1], odd.node(split).outputs[0]});
  EXPECT_EQ(to_json(graph_from_text(graph_to_text(odd), "test")), to_json(odd));
}

TEST(PareFile, graph_texts_that_do_not_fit_are_refused) {
  for (const char* text : {"", "[]", "{}", R"({"name":"g","values":{},"nodes":[],"outputs":[]})",
                           R"({"name":"g","values":[["a","activation","F32",[]]],"nodes":[],"outputs":[]})",
                           R"({"name":"g","values":[],"nodes":[["n","Relu",[0]]],"outputs":[]})",
                           R"({"name":"g","values":[],"nodes":[["n","Relu",[0],[[[1]]]]],"outputs":[]})",
                           R"({"name":"g","values":[],"nodes":[[7,"Relu",[],[[[1]]]]],"outputs":[0]})",
                           R"({"name":"g","values":[],"nodes":[["n","Relu",[],[[[1],"F99"]]]],"outputs":[0]})"})
    EXPECT_THROW(graph_from_text(text, "test"), ModelError) << text;
}

TEST(PareFile, stripping_drops_what_does_not_run) {
  const FrozenModel model = test::small_model();
  const FrozenModel bare = stripped(model);
  EXPECT_LT(serialize_pare(bare).size(), serialize_pare(model).size());
  EXPECT_TRUE(parse(serialize_pare(bare)).golden.empty());
  EXPECT_EQ(bare.labels, model.labels);
}

TEST(PareFile, files_of_version_1_load_for_ever) {
  const FrozenModel old = load_pare(kOldFile);
  const FrozenModel now = test::small_model();
  for (const auto& [name, encoded] : now.constants)
    EXPECT_TRUE(same_bytes(decode(encoded), decode(old.constants.at(name)))) << name;
  EXPECT_EQ(old.labels, now.labels);
  EXPECT_EQ(old.graph.order().size(), now.graph.order().size());
}

TEST(PareFile, golden_samples_beyond_the_file_lie_beside_it) {
  const FrozenModel model = test::small_model();
  const std::string path = (std::filesystem::temp_directory_path() / "pare_golden.safetensors").string();
  save_golden(path, model.golden);
  const auto rest = load_golden(path);
  ASSERT_EQ(rest.size(), model.golden.size() - kGoldenInside);
  EXPECT_TRUE(same_bytes(rest[0].inputs[0], model.golden[kGoldenInside].inputs[0]));
  std::filesystem::remove(path);
}

TEST(PareFile, graph_and_constants_must_fit) {
  FrozenModel missing = test::small_model();
  missing.constants.erase("fc.bias");
  EXPECT_THROW(serialize_pare(missing), ModelError);
  FrozenModel other = test::small_model();
  other.constants["fc.bias"] = encode_raw(Tensor(DType::kF32, {99}));
  EXPECT_THROW(serialize_pare(other), ModelError);
  FrozenModel reserved = test::small_model();
  reserved.constants["a#b"] = encode_raw(Tensor(DType::kF32, {1}));
  EXPECT_THROW(serialize_pare(reserved), ModelError);
}

TEST(PareFile, other_files_are_refused_with_a_reason) {
  const auto refuse = [](std::map<std::string, std::string> metadata, const std::string& reason) {
    try {
      parse(serialize_safetensors({{"x", Tensor::scalar<float>(1)}}, metadata));
      ADD_FAILURE() << reason;
    } catch (const ModelError& error) {
      EXPECT_NE(std::string(error.what()).find(reason), std::string::npos) << error.what();
    }
  };
  refuse({}, "another safetensors file");
  refuse({{"pare.format", "2"}}, "newer pare");
  refuse({{"pare.format", "one"}}, "format version");
  refuse({{"pare.format", "1"}}, "pare.checksum");
  refuse({{"pare.format", "1"}, {"pare.checksum", "0"}}, "damaged");
  EXPECT_THROW(load_pare("/nonexistent.pare"), IoError);
}

TEST(PareFile, every_changed_payload_byte_is_noticed) {
  const auto file = test::with_copy(serialize_pare(test::small_model()), [](auto span, auto owner) {
    return parse_safetensors(span, owner, "test"); });
  for (const auto& [name, tensor] : file.tensors) {
    for (int64_t i = 0; i < tensor.nbytes(); ++i) {
      auto tensors = file.tensors;
      Tensor changed = tensor.clone();
      changed.mutable_bytes()[i] ^= std::byte{1};
      tensors[name] = changed;
      EXPECT_THROW(parse(serialize_safetensors(tensors, file.metadata)), ModelError) << name << " byte " << i;
    }
  }
}

TEST(PareFile, truncations_and_mutations_are_errors_or_valid_models) {
  const std::string bytes = serialize_pare(test::small_model());
  for (size_t length = 0; length < bytes.size(); length += 1 + bytes.size() / 500)
    EXPECT_THROW(parse(bytes.substr(0, length)), Error) << length;
  test::mutate(bytes, 5000, [](const std::string& copy) { decode_constants(parse(copy)); });
}

// The checksum hides the readers behind it from random damage, so damage comes before it here.
TEST(PareFile, mutated_metadata_behind_a_right_checksum_is_an_error_or_a_valid_model) {
  const FrozenModel model = test::small_model();
  const auto original = test::with_copy(serialize_pare(model), [](auto span, auto owner) {
    return parse_safetensors(span, owner, "test"); });
  for (const char* key : {"pare.graph", "pare.constants", "pare.preprocess", "pare.labels", "pare.info"}) {
    test::mutate(original.metadata.at(key), 1000, [&](const std::string& text) {
      auto metadata = original.metadata;
      metadata[key] = text;
      std::string bytes;
      try {
        bytes = serialize_safetensors(original.tensors, test::with_checksum(original.tensors, metadata));
      } catch (const ModelError&) {
        return;  // no UTF-8 any more
      }
      decode_constants(parse(bytes));
    });
  }
}

}  // namespace
}  // namespace pare
