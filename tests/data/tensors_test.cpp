#include <gtest/gtest.h>

#include <cstring>

#include "core/base/config_write.h"
#include "core/data/cifar.h"
#include "core/data/data_config.h"
#include "core/data/idx.h"
#include "core/data/tensor_file.h"
#include "core/data/views.h"
#include "tests/data/fixtures.h"

namespace pare {
namespace {

using testing::TempFolder;
using testing::write_text;

std::string big_endian(uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
  return out;
}

std::string idx_header(const std::vector<uint32_t>& shape) {
  std::string out{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (uint32_t dim : shape) out += big_endian(dim);
  return out;
}

void write_mnist(const TempFolder& folder) {
  std::string pixels;
  for (int i = 0; i < 3 * 4 * 4; ++i) pixels.push_back(static_cast<char>(i));
  write_text(folder / "train-images-idx3-ubyte", idx_header({3, 4, 4}) + pixels);
  write_text(folder / "train-labels-idx1-ubyte", idx_header({3}) + std::string("\x07\x00\x09", 3));
}

TEST(Idx, ReadsImagesAndLabels) {
  const TempFolder folder;
  write_mnist(folder);
  const auto set = idx_dataset(folder.path(), "train");
  EXPECT_EQ(set->size(), 3);
  EXPECT_EQ(set->labels().size(), 10u);
  const Example example = set->get(2, Rng(0));
  EXPECT_EQ(example.input.shape(), (Shape{4, 4, 1}));
  EXPECT_EQ(example.input.data<uint8_t>()[0], 32);
  EXPECT_EQ(example.label, 9);
}

TEST(Idx, RefusesWrongLengths) {
  const TempFolder folder;
  const std::string path = folder / "x";
  for (const std::string& bytes :
       {std::string(), std::string("\0\0", 2), std::string("\0\0\x0d\x01\0\0\0\x01x", 9), idx_header({3}).substr(0, 6),
        idx_header({3}) + "ab", idx_header({3}) + "abcd", idx_header({0xffffffffu, 0xffffffffu, 0xffffffffu})}) {
    write_text(path, bytes);
    EXPECT_THROW(read_idx(path), DataError) << bytes.size();
  }
}

TEST(Idx, RefusesDifferentCounts) {
  const TempFolder folder;
  write_mnist(folder);
  write_text(folder / "train-labels-idx1-ubyte", idx_header({2}) + "ab");
  EXPECT_THROW(idx_dataset(folder.path(), "train"), DataError);
  EXPECT_THROW(idx_dataset(folder.path(), "test"), DataError);       // no such files
  EXPECT_THROW(idx_dataset(folder.path(), "val"), ConfigError);
}

std::string cifar_record(uint8_t label, uint8_t base) {
  std::string out(1, static_cast<char>(label));
  for (int c = 0; c < 3; ++c) out += std::string(1024, static_cast<char>(base + c));
  return out;
}

TEST(Cifar, ReadsPlanesAsPixels) {
  const TempFolder folder;
  for (int i = 1; i <= 5; ++i)
    write_text(folder / fmt("data_batch_{}.bin", i),
               cifar_record(static_cast<uint8_t>(i), static_cast<uint8_t>(10 * i)));
  write_text(folder / "batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
  const auto set = cifar_dataset(folder.path(), "train");
  ASSERT_EQ(set->size(), 5);
  EXPECT_EQ(set->labels()[9], "j");
  const Example example = set->get(3, Rng(0));
  EXPECT_EQ(example.label, 4);
  EXPECT_EQ(example.input.shape(), (Shape{32, 32, 3}));
  EXPECT_EQ(std::vector<uint8_t>(example.input.data<uint8_t>(), example.input.data<uint8_t>() + 4),
            (std::vector<uint8_t>{40, 41, 42, 40}));
}

TEST(Cifar, RefusesDamage) {
  const TempFolder folder;
  EXPECT_THROW(cifar_dataset(folder.path(), "test"), DataError);
  write_text(folder / "test_batch.bin", cifar_record(3, 0).substr(0, 3000));
  EXPECT_THROW(cifar_dataset(folder.path(), "test"), DataError);
  write_text(folder / "test_batch.bin", cifar_record(10, 0));
  EXPECT_THROW(cifar_dataset(folder.path(), "test"), DataError);
  write_text(folder / "test_batch.bin", "");
  EXPECT_THROW(cifar_dataset(folder.path(), "test"), DataError);
}

std::string npy(const std::string& dict, const std::string& payload) {
  std::string header = dict;
  header.resize((header.size() + 10 + 63) / 64 * 64 - 10, ' ');
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size() & 255) +
         static_cast<char>(header.size() >> 8) + header + payload;
}

TEST(TensorFile, Npy) {
  const TempFolder folder;
  const float values[] = {1, 2, 3, 4, 5, 6};
  const std::string payload(reinterpret_cast<const char*>(values), sizeof values);
  write_text(folder / "a.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", payload));
  const Tensor got = read_npy(folder / "a.npy");
  EXPECT_TRUE(same_bytes(got, Tensor::of<float>({1, 2, 3, 4, 5, 6}, {2, 3})));
  for (const std::string dict :
       {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", "{}", "{'descr': '<f4', 'fortran_order': False}"}) {
    write_text(folder / "b.npy", npy(dict, payload));
    EXPECT_THROW(read_npy(folder / "b.npy"), DataError) << dict;
  }
  write_text(folder / "c.npy",
             npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", payload).substr(0, 60));
  EXPECT_THROW(read_npy(folder / "c.npy"), DataError);
}

std::string safetensors(const std::string& json, const std::string& payload) {
  std::string out;
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(json.size() >> (8 * i)));
  return out + json + payload;
}

TEST(TensorFile, Safetensors) {
  const TempFolder folder;
  const std::string head =
      R"({"labels":{"dtype":"I32","shape":[2],"data_offsets":[0,8]},"inputs":{"dtype":"U8","shape":[2,4],"data_offsets":[8,16]}} )";
  const std::string padded = head + std::string((8 - head.size() % 8) % 8, ' ');
  write_text(folder / "a.safetensors", safetensors(padded, std::string("\1\0\0\0\2\0\0\0abcdefgh", 16)));
  DataConfig config;
  config.tensors = folder / "a.safetensors";
  const auto set = open_dataset(config);
  ASSERT_EQ(set->size(), 2);
  EXPECT_EQ(set->get(1, Rng(0)).label, 2);
  EXPECT_EQ(set->get(1, Rng(0)).input.data<uint8_t>()[0], 'e');
  for (const std::string json :
       {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})",
        R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})",
        R"({"x":{"dtype":"F9","shape":[2],"data_offsets":[0,8]}})",
        R"({"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})",
        R"({"x":{"dtype":"F32","shape":"no","data_offsets":[0,8]}})", R"({"x":{}})", R"({"x":[)", R"([1])",
        R"({"x":3})", R"({"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})"}) {
    write_text(folder / "b.safetensors", safetensors(json, "12345678"));
    EXPECT_THROW(read_tensors(folder / "b.safetensors"), DataError) << json;
  }
  write_text(folder / "c.safetensors", std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10));
  EXPECT_THROW(read_tensors(folder / "c.safetensors"), DataError);
}

TEST(DataConfig, ReadsAndRefuses) {
  auto read = [](const std::string& json) {
    DataConfig config;
    read_config(config_node_from_json(Json::parse(json)), "data", config);
    return config;
  };
  EXPECT_EQ(read(R"({"idx": "m", "augment": ["flip", "crop"], "holdout": 5})").augment.size(), 2u);
  for (const std::string bad :
       {R"({})", R"({"idx": "a", "cifar": "b"})", R"({"idx": "a", "augment": ["spin"]})",
        R"({"idx": "a", "size": [3]})", R"({"idx": "a", "holdout": -1})", R"({"idx": "a", "std": [0]})",
        R"({"idx": "a", "mean": [0, 0]})", R"({"idx": "a", "labels": "b"})", R"({"idx": "a", "channels": 2})"})
    EXPECT_THROW(read(bad), ConfigError) << bad;
}

}  // namespace
}  // namespace pare
