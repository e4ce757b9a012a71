// Fixtures come from make_state_dicts.py, which runs PyTorch.
#include "core/import/state_dict.h"

#include <gtest/gtest.h>

#include "core/base/file.h"
#include "core/format/safetensors.h"
#include "core/import/weights.h"
#include "tests/format/hostile.h"
#include "tests/import/archive.h"

namespace pare {
namespace {

using test::kFixtures;
using test::little;
using Tensors = std::map<std::string, Tensor>;

Tensors parse_checkpoint(const std::string& bytes) {
  return test::with_copy(bytes, [](auto span, auto owner) { return parse_state_dict(span, owner, "test"); });
}

template <class F>
std::string reason(F&& f) {
  try {
    f();
  } catch (const ModelError& error) {
    return error.what();
  }
  return "accepted";
}

void expect_same(const Tensors& got, const Tensors& want) {
  EXPECT_EQ(got.size(), want.size());
  for (const auto& [name, tensor] : want) {
    ASSERT_TRUE(got.count(name)) << name;
    EXPECT_TRUE(same_bytes(got.at(name), tensor)) << name;
  }
}

TEST(StateDict, strided_and_shared_tensors_of_every_type_equal_pytorchs) {
  expect_same(parse_checkpoint(read_file(kFixtures + "layouts.pth")), read_safetensors(kFixtures + "layouts.safetensors").tensors);
}

TEST(StateDict, a_training_checkpoint_of_a_parallel_model_gives_plain_names) {
  expect_same(parse_checkpoint(read_file(kFixtures + "training.pth")),
              read_safetensors(kFixtures + "training.safetensors").tensors);
}

TEST(StateDict, serves_wherever_weights_are_loaded) {
  const ConstantStore weights = load_weights(kFixtures + "layouts.pth");
  EXPECT_EQ(weights.get("half").dtype(), DType::kF32);
  EXPECT_EQ(weights.get("brain").to_doubles(), (std::vector<double>{0.25, 3.0}));
  EXPECT_EQ(weights.get("count").to_ints(), std::vector<int64_t>{7});
}

TEST(StateDict, other_pytorch_files_are_refused_with_what_to_do) {
  const auto why = [](const char* name) { return reason([&] { load_weights(kFixtures + name); }); };
  EXPECT_NE(why("old_format.pth").find("torch.save(torch.load(path), path)"), std::string::npos)
      << why("old_format.pth");
  EXPECT_NE(why("whole_module.pth").find("torch.nn.modules.linear.Linear"), std::string::npos)
      << why("whole_module.pth");
  const std::string script = reason([] { parse_checkpoint(test::zip_of({{"m/data.pkl", "."}, {"m/constants.pkl", "."}})); });
  EXPECT_NE(script.find("TorchScript"), std::string::npos) << script;
}

// A pickle of one tensor "w" that is a view on four floats.
std::string view_pickle(const std::string& offset, const std::string& sizes, const std::string& strides,
                        int numel = 4) {
  const auto text = [](const std::string& value) { return "X" + little(value.size(), 4) + value; };
  const std::string storage =
      "((" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K" + little(numel, 1) + "tQ";
  return "\x80\x02}" + text("w") + "ctorch._utils\n_rebuild_tensor_v2\n" + storage + offset + sizes + strides +
         "\x89"
         "ccollections\nOrderedDict\n)RtRs.";
}

std::string file_of(const std::string& pickle) {
  return test::zip_of({{"m/data.pkl", pickle}, {"m/data/0", std::string(16, '\1')}});
}

TEST(StateDict, views_must_lie_inside_their_storage) {
  const std::string zero("K\0", 2), two("K\2\x85", 3), one("K\1\x85", 3), three("K\3\x85", 3),
      minus("J\xff\xff\xff\xff\x85", 6);
  EXPECT_EQ(parse_checkpoint(file_of(view_pickle(zero, two, three))).at("w").shape(), (Shape{2}));
  const std::string huge = "\x8a\x08" + little(INT64_MAX, 8) + "\x85";
  for (const std::string& bad :
       {view_pickle("K\1", two, three), view_pickle(zero, three, two), view_pickle(zero, minus, one),
        view_pickle(zero, two, minus), view_pickle(zero, huge, huge),
        view_pickle(zero, huge, "K" + little(0, 1) + "\x85"), view_pickle(zero, two, huge),
        view_pickle(zero, two, one, 5), view_pickle(zero, two, ")")})
    EXPECT_NE(reason([&] { parse_checkpoint(file_of(bad)); }), "accepted");
}

TEST(StateDict, code_is_named_and_never_run) {
  const std::string text = reason([] {
    parse_checkpoint(
        file_of("\x80\x02"
                "cposix\nsystem\nX\4\0\0\0true\x85R."));
  });
  EXPECT_NE(text.find("posix.system"), std::string::npos) << text;
}

TEST(StateDict, damaged_pickles_and_archives_are_model_errors) {
  const std::string good = view_pickle(std::string("K\0", 2), "K\2\x85", "K\1\x85");
  const std::string circle = "}q" + little(0, 1) + "X" + little(5, 4) + "modelh" + little(0, 1) + "s.";
  for (const std::string& pickle :
       {std::string(), std::string("."), std::string("N."), std::string("}."), std::string("(."), std::string("t."),
        std::string("h\7."), std::string("\x80\x05}."), std::string("}(Ku."), circle, std::string("]K\1s."),
        std::string("K\1K\2R."), std::string("}Nb")})
    EXPECT_NE(reason([&] { parse_checkpoint(file_of(pickle)); }), "accepted") << pickle;
  const std::pair<std::string, std::string> entry{"m/data.pkl", good}, data{"m/data/0", std::string(16, '\1')};
  EXPECT_EQ(reason([&] { parse_checkpoint(test::zip_of({entry, data})); }), "accepted");
  EXPECT_NE(reason([&] { parse_checkpoint(test::zip_of({entry, data}, 8)); }).find("compression"), std::string::npos);
  for (const auto& entries : {std::vector{data}, std::vector{entry}, std::vector{entry, data, data},
                              std::vector{entry, data, std::pair<std::string, std::string>{"n/data.pkl", good}},
                              std::vector{entry, data, std::pair<std::string, std::string>{"m/byteorder", "big"}}})
    EXPECT_NE(reason([&] { parse_checkpoint(test::zip_of(entries)); }), "accepted");
}

TEST(StateDict, truncations_and_mutations_are_errors_or_valid_files) {
  const std::string bytes = read_file(kFixtures + "layouts.pth");
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_THROW(parse_checkpoint(bytes.substr(0, length)), Error) << length;
  test::mutate(bytes, 3000, [](const std::string& copy) { parse_checkpoint(copy); });
  // Damage to the pickle alone, which the archive's checks do not see.
  const std::string pickle = view_pickle(std::string("K\0", 2), "K\2\x85", "K\1\x85");
  test::mutate(pickle, 20000, [](const std::string& copy) { parse_checkpoint(file_of(copy)); });
}

}  // namespace
}  // namespace pare
