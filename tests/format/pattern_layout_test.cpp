// Layout pattern: what comes back, the bytes of the format description, its size against other layouts, refusals.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "core/format/bits.h"
#include "core/format/encoding.h"
#include "core/format/encoding_json.h"

namespace pare {
namespace {

// Centre and three others each; no two of one row of numbers alike.
const std::vector<int64_t> kEightPatterns = {184, 58, 178, 154, 27, 54, 216, 432};

/// Integers in +-100 with one of the eight patterns in each group of kernels; `kept_in_ten` of ten groups are not zero.
Tensor patterned(const Shape& shape, const std::vector<int64_t>& group, int kept_in_ten) {
  uint64_t state = 3;
  const auto draw = [&state](int64_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int64_t>((state >> 33) % static_cast<uint64_t>(below));
  };
  Tensor out(DType::kI32, shape);
  const int64_t columns = (shape[1] - 1) / group[1] + 1;
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i <= (shape[0] - 1) / group[0] * columns + columns; ++i)
    chosen.push_back(draw(10) < kept_in_ten ? kEightPatterns[static_cast<size_t>(draw(8))] : 0);
  for (int64_t i = 0; i < out.numel(); ++i) {
    const int64_t filter = i / 9 / shape[1], channel = i / 9 % shape[1];
    const int64_t pattern = chosen[static_cast<size_t>(filter / group[0] * columns + channel / group[1])];
    if (pattern >> (i % 9) & 1) out.mutable_data<int32_t>()[i] = static_cast<int32_t>(draw(100) + 1) * (i % 2 ? 1 : -1);
  }
  return out;
}

Encoding pattern_encoding(const std::vector<int64_t>& group) {
  return {.layout = Layout::kPattern, .block = group, .patterns = kEightPatterns};
}

TEST(PatternLayout, floats_and_integers_come_back_in_every_group) {
  for (const std::vector<int64_t>& group : {std::vector<int64_t>{1, 1}, {1, 4}, {4, 3}}) {
    const Tensor q = patterned({6, 10, 3, 3}, group, 6);  // groups are clipped at the edges
    const EncodedTensor floats = encode(q.to(DType::kF32), pattern_encoding(group));
    EXPECT_TRUE(same_bytes(decode(floats), q.to(DType::kF32)));
    Encoding eight = pattern_encoding(group);
    eight.axis = 0;
    EXPECT_TRUE(same_bytes(decode_integers(encode_affine(q, Tensor::of<float>({1, 2, 3, 4, 5, 6}, {6}), {}, eight)), q));
    EXPECT_EQ(encoding_from_json(encoding_to_json(eight)), eight);
  }
}

TEST(PatternLayout, zeros_inside_of_a_pattern_are_stored) {
  Tensor w(DType::kF32, {1, 2, 3, 3});
  w.mutable_data<float>()[4] = 2.0f;  // only the centre of the first kernel
  const EncodedTensor encoded = encode(w, pattern_encoding({1, 1}));
  EXPECT_EQ(encoded.parts.at("data").numel(), 4);
  EXPECT_TRUE(same_bytes(decode(encoded), w));
}

TEST(PatternLayout, the_worked_example_of_the_format_description) {
  const Tensor q = Tensor::of<int32_t>(
      {0, 1, 0, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 6, 7, 0, 8, 0}, {1, 3, 3, 3});
  const EncodedTensor encoded =
      encode_affine(q, Tensor::of<float>({1}, {1}), {}, {.layout = Layout::kPattern, .block = {1, 1}, .patterns = {184, 58}});
  EXPECT_EQ(encoded.parts.at("mask").to_ints(), (std::vector<int64_t>{0x05}));
  EXPECT_EQ(encoded.parts.at("index").to_ints(), (std::vector<int64_t>{0x01}));
  EXPECT_EQ(encoded.parts.at("data").to_ints(), (std::vector<int64_t>{5, 6, 7, 8, 1, 2, 3, 4}));
  EXPECT_TRUE(same_bytes(decode_integers(encoded), q));
}

// Compressed sparse rows: a row start of 4 bytes a filter, for each weight its column and its value.
int64_t csr_bytes(const Tensor& q, int bits) {
  int64_t stored = 0;
  for (int32_t value : q.span<int32_t>()) stored += value != 0;
  const int64_t columns = q.numel() / q.dim(0);
  const int64_t column_bits = std::bit_width(static_cast<uint64_t>(columns - 1));
  return 4 * (q.dim(0) + 1) + (stored * column_bits + 7) / 8 + (stored * bits + 7) / 8;
}

TEST(PatternLayout, is_smaller_than_a_bitmask_and_than_compressed_rows) {
  for (const std::vector<int64_t>& group : {std::vector<int64_t>{1, 1}, {1, 4}}) {
    for (int kept_in_ten : {10, 5, 3}) {
      const Tensor q = patterned({64, 128, 3, 3}, group, kept_in_ten);
      const Tensor scale = Tensor::of<float>({0.5f}, {1});
      const Encoding bitmask{.layout = Layout::kBitmask};
      for (int bits : {8, 32}) {
        const auto stored = [&](Encoding encoding) {
          encoding.bits = bits;
          return bits == 32 ? encode(q.to(DType::kF32), encoding).nbytes() : encode_affine(q, scale, {}, encoding).nbytes();
        };
        const int64_t bytes = stored(pattern_encoding(group));
        EXPECT_LT(bytes, stored(bitmask)) << kept_in_ten << " of ten kept, " << bits << " bits";
        EXPECT_LT(bytes, csr_bytes(q, bits)) << kept_in_ten << " of ten kept, " << bits << " bits";
        RecordProperty(fmt("group{}_{}_bits{}", group[1], kept_in_ten, bits),
                       fmt("{} bitmask {} csr {}", bytes, stored(bitmask), csr_bytes(q, bits)));
      }
    }
  }
}

TEST(PatternLayout, what_has_no_such_pattern_is_refused) {
  Tensor w(DType::kF32, {1, 1, 3, 3});
  w.mutable_data<float>()[0] = w.mutable_data<float>()[8] = 1.0f;
  EXPECT_THROW(encode(w, pattern_encoding({1, 1})), ModelError);
  const Tensor zeros(DType::kF32, {2, 2, 3, 3});
  for (const std::vector<int64_t>& patterns : {std::vector<int64_t>{}, {0}, {512}, {-1}, std::vector<int64_t>(257, 16)})
    EXPECT_THROW(encode(zeros, {.layout = Layout::kPattern, .block = {1, 1}, .patterns = patterns}), ModelError);
  EXPECT_THROW(encode(zeros, {.layout = Layout::kPattern, .block = {}, .patterns = {16}}), ModelError);
  EXPECT_THROW(encode(Tensor(DType::kF32, {2, 2, 6, 6}), pattern_encoding({1, 1})), ModelError);
  EXPECT_NO_THROW(decode(encode(Tensor(DType::kF32, {0, 2, 3, 3}), pattern_encoding({1, 1}))));
}

TEST(PatternLayout, damaged_streams_are_refused) {
  EncodedTensor good = encode(patterned({4, 4, 3, 3}, {1, 1}, 6).to(DType::kF32), pattern_encoding({1, 1}));
  EncodedTensor numbers = good;
  numbers.encoding.patterns.resize(5);  // numbers above 4 are left
  EXPECT_THROW(decode(numbers), ModelError);
  EncodedTensor more = good;
  more.parts["mask"] = Tensor::of<uint8_t>({0xff, 0xff}, {2});
  EXPECT_THROW(decode(more), ModelError);
  EncodedTensor huge = good;
  huge.shape = {int64_t{1} << 31, int64_t{1} << 28, 3, 3};
  EXPECT_THROW(decode(huge), ModelError);
}

}  // namespace
}  // namespace pare
