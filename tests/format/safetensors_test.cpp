#include "core/format/safetensors.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "tests/format/hostile.h"

namespace pare {
namespace {

SafetensorsFile parse_tensors(const std::string& bytes) { return test::with_copy(bytes, [](auto span, auto owner) {
  return parse_safetensors(span, owner, "test"); }); }

std::string file_of(const std::string& header, size_t data = 0) {
  std::string out(8, '\0');
  for (size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(header.size() >> (8 * i));
  return out + header + std::string(data, '\0');
}

std::map<std::string, Tensor> sample() {
  return {{"a", Tensor::of<float>({1.5f, -2.0f, 3.0f}, {3})},
          {"b", Tensor::of<int64_t>({1, -2}, {2, 1})},
          {"empty", Tensor(DType::kF16, {0, 4})},
          {"scalar", Tensor::scalar<uint8_t>(7)},
          {"truth", Tensor(DType::kBool, {5})}};
}

TEST(Hash, matches_the_published_vectors_of_xxh64) {
  EXPECT_EQ(hex64(xxh64("")), "ef46db3751d8e999");
  EXPECT_EQ(hex64(xxh64("a")), "d24ec4f1a98c6e5b");
  EXPECT_EQ(hex64(xxh64("abc")), "44bc2cf5ad770999");
  EXPECT_EQ(hex64(xxh64("Nobody inspects the spammish repetition")), "fbcea83c8a378bf1");
}

TEST(Safetensors, round_trip_keeps_bytes_and_metadata) {
  const auto tensors = sample();
  const auto back = parse_tensors(serialize_safetensors(tensors, {{"k", "v \"quoted\""}}));
  ASSERT_EQ(back.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) EXPECT_TRUE(same_bytes(tensor, back.tensors.at(name))) << name;
  EXPECT_EQ(back.metadata, (std::map<std::string, std::string>{{"k", "v \"quoted\""}}));
}

TEST(Safetensors, payloads_are_aligned_and_mapped_without_copy) {
  const std::string path = (std::filesystem::temp_directory_path() / "pare_alignment.safetensors").string();
  auto tensors = sample();
  for (int64_t n : {1, 63, 64, 65, 128, 1000}) tensors["u8_" + std::to_string(n)] = Tensor(DType::kU8, {n});
  for (int64_t n : {1, 7, 8, 9, 32}) tensors["f64_" + std::to_string(n)] = Tensor(DType::kF64, {n});
  write_safetensors(path, tensors);
  const auto back = read_safetensors(path);
  for (const auto& [name, tensor] : back.tensors) {
    const int64_t unit = tensor.nbytes() >= kPayloadAlignment ? kPayloadAlignment : size_of(tensor.dtype());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.bytes()) % static_cast<uintptr_t>(unit), 0u) << name;
  }
  EXPECT_EQ(read_file(path), serialize_safetensors(tensors));
  std::filesystem::remove(path);
}

TEST(Safetensors, reads_unaligned_payloads_of_other_writers) {
  std::string bytes = file_of(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4);
  const float value = 2.5f;
  std::memcpy(bytes.data() + bytes.size() - 4, &value, 4);
  EXPECT_EQ(parse_tensors(bytes).tensors.at("x").data<float>()[0], 2.5f);
}

TEST(Safetensors, pad_entries_of_other_writers_are_tensors) {
  const auto back = parse_tensors(file_of(R"({"pad.0":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2));
  EXPECT_EQ(back.tensors.count("pad.0"), 1u);
}

TEST(Safetensors, reserved_names_are_refused) {
  EXPECT_THROW(serialize_safetensors({{"pad.12", Tensor::scalar<float>(0)}}), ModelError);
  EXPECT_THROW(serialize_safetensors({{"\xff\xfe", Tensor::scalar<float>(0)}}), ModelError);
  EXPECT_NO_THROW(serialize_safetensors({{"pad.x", Tensor::scalar<float>(0)}}));
}

struct Bad {
  const char* what;
  std::string bytes;
};

TEST(Safetensors, refuses_bad_files_with_one_model_error) {
  const std::string nested = std::string(100000, '[');
  const std::vector<Bad> cases = {
      {"empty", ""},
      {"shorter than the length", "1234567"},
      {"header beyond the file", file_of("{}").replace(0, 1, "\x7f")},
      {"huge header", std::string(8, '\xff') + "{}"},
      {"no JSON", file_of("hello")},
      {"a list", file_of("[]")},
      {"depth bomb", file_of(nested)},
      {"depth bomb in objects", file_of(R"({"a":{"a":{"a":{"a":{}}}}})")},
      {"duplicate name",
       file_of(
           R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
           2)},
      {"overlap",
       file_of(
           R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
           3)},
      {"hole", file_of(R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2)},
      {"trailing bytes", file_of(R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 2)},
      {"truncated data", file_of(R"({"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 3)},
      {"size differs from shape", file_of(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4)},
      {"negative dim", file_of(R"({"x":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", 1)},
      {"overflowing shape", file_of(R"({"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})")},
      {"overflowing bytes", file_of(R"({"x":{"dtype":"F64","shape":[2305843009213693953],"data_offsets":[0,8]}})", 8)},
      {"offsets reversed", file_of(R"({"x":{"dtype":"U8","shape":[0],"data_offsets":[1,0]}})", 1)},
      {"float dim", file_of(R"({"x":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}})", 1)},
      {"huge number", file_of(R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,18446744073709551615]}})", 1)},
      {"unknown element type", file_of(R"({"x":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", 1)},
      {"missing field", file_of(R"({"x":{"dtype":"U8","shape":[1]}})", 1)},
      {"surplus field", file_of(R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"y":1}})", 1)},
      {"metadata of numbers", file_of(R"({"__metadata__":{"a":1}})")},
      {"a boolean of 2", file_of(R"({"x":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}})") + "\x02"},
      {"bad UTF-8", file_of("{\"\xff\":{}}")},
  };
  for (const auto& bad : cases) {
    try {
      parse_tensors(bad.bytes);
      ADD_FAILURE() << bad.what << " was accepted";
    } catch (const ModelError& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << bad.what;
    }
  }
}

TEST(Safetensors, every_truncation_and_mutation_is_an_error_or_a_valid_file) {
  const std::string bytes = serialize_safetensors(sample(), {{"k", "v"}});
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_THROW(parse_tensors(bytes.substr(0, length)), Error) << length;
  test::mutate(bytes, 5000, [](const std::string& mutated) { parse_tensors(mutated); });
}

TEST(Safetensors, a_missing_file_is_an_io_error) {
  EXPECT_THROW(read_safetensors("/nonexistent/x.safetensors"), IoError);
  EXPECT_THROW(write_safetensors("/nonexistent/x.safetensors", {}), IoError);
}

}  // namespace
}  // namespace pare
