#include "core/format/encoding.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/format/bits.h"

namespace pare {
namespace {

// A repeatable pseudo-random sequence in [0, below).
struct Draw {
  uint64_t state = 7;
  int32_t operator()(int32_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int32_t>((state >> 33) % static_cast<uint64_t>(below));
  }
};

Tensor random_floats(const Shape& shape, int zeros_in_ten) {
  Draw draw;
  Tensor out(DType::kF32, shape);
  for (int64_t i = 0; i < out.numel(); ++i)
    out.mutable_data<float>()[i] = draw(10) < zeros_in_ten ? 0.0f : static_cast<float>(draw(2001) - 1000) / 64.0f;
  return out;
}

// Zeroes all but the first n of each m elements along dim 1.
Tensor n_of_m(Tensor t, int64_t n, int64_t m) {
  Tensor out = t.clone();
  int64_t inner = 1;
  for (int64_t i = 2; i < t.rank(); ++i) inner *= t.dim(i);
  for (int64_t i = 0; i < t.numel(); ++i)
    if (i / inner % t.dim(1) % m >= n) out.mutable_data<float>()[i] = 0.0f;
  return out;
}

// Leaves 3x3 kernels their horizontal bar and one arm, above or below by groups of 2x3 kernels.
Tensor cross(const Tensor& t) {
  Tensor out = t.clone();
  for (int64_t i = 0; i < t.numel(); ++i) {
    const int64_t filter = i / 9 / t.dim(1), channel = i / 9 % t.dim(1);
    if (((filter / 2 + channel / 3) % 2 ? 184 : 58) >> (i % 9) & 1) continue;
    out.mutable_data<float>()[i] = 0.0f;
  }
  return out;
}

std::vector<std::pair<Encoding, Tensor>> layouts() {
  const Tensor sparse = random_floats({6, 8, 3, 3}, 6);
  return {{{}, sparse},
          {{.layout = Layout::kBitmask}, sparse},
          {{.layout = Layout::kNofM, .n = 2, .m = 4}, n_of_m(sparse, 2, 4)},
          {{.layout = Layout::kNofM, .n = 3, .m = 8, .sparse_axis = 1}, n_of_m(sparse, 1, 8)},
          {{.layout = Layout::kBlock, .block = {4, 3}}, n_of_m(sparse, 3, 8)},
          {{.layout = Layout::kBlock, .block = {1, 1, 3, 3}}, sparse},
          {{.layout = Layout::kPattern, .block = {2, 3}, .patterns = {184, 58}}, cross(sparse)}};
}

TEST(Bits, streams_of_every_width_round_trip) {
  for (int bits = 1; bits <= 8; ++bits) {
    std::vector<int32_t> values(37);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int32_t>(i * 73) & ((1 << bits) - 1);
    const Tensor packed = pack_bits(values, bits);
    EXPECT_EQ(packed.nbytes(), (37 * bits + 7) / 8);
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_EQ(static_cast<int32_t>(get_bits(packed.data<uint8_t>(), static_cast<int64_t>(i), bits)), values[i]);
  }
}

TEST(Encoding, raw_values_survive_every_layout_bit_by_bit) {
  for (const auto& [encoding, tensor] : layouts()) {
    const EncodedTensor encoded = encode(tensor, encoding);
    EXPECT_TRUE(same_bytes(decode(encoded), tensor)) << static_cast<int>(encoding.layout);
    if (encoding.layout == Layout::kBitmask) {
      EXPECT_LT(encoded.nbytes(), tensor.nbytes() * 6 / 10);
    }
  }
}

TEST(Encoding, negative_zero_is_stored) {
  const Tensor tensor = Tensor::of<float>({-0.0f, 0.0f, 1.0f}, {3});
  const EncodedTensor encoded = encode(tensor, {.layout = Layout::kBitmask});
  EXPECT_EQ(encoded.parts.at("data").numel(), 2);
  EXPECT_TRUE(std::signbit(decode(encoded).data<float>()[0]));
}

TEST(Encoding, half_types_round_half_to_even_in_every_layout) {
  for (const auto& [layout, tensor] : layouts()) {
    for (const auto& [codec, dtype] : {std::pair(Codec::kF16, DType::kF16), std::pair(Codec::kBF16, DType::kBF16)}) {
      Encoding encoding = layout;
      encoding.codec = codec;
      EXPECT_TRUE(same_bytes(decode(encode(tensor, encoding)), tensor.to(dtype).to(DType::kF32)));
    }
  }
}

TEST(Encoding, affine_integers_survive_every_width_layout_and_axis) {
  Draw draw;
  for (const auto& [layout, pattern] : layouts()) {
    for (int bits : {2, 3, 4, 5, 6, 7, 8, 16, 32}) {
      for (int64_t axis : {-1, 0, 1}) {
        Encoding encoding = layout;
        encoding.bits = bits;
        encoding.axis = axis;
        encoding.group_axis = axis == 1 ? 0 : 1;
        encoding.group_size = bits % 2 ? 3 : 0;
        const int64_t cells = cells_of(encoding, pattern.shape());
        Tensor q(DType::kI32, pattern.shape()), scale(DType::kF32, {cells});
        const int32_t high = bits == 32 ? INT32_MAX : (1 << (bits - 1)) - 1;
        for (int64_t i = 0; i < q.numel(); ++i)
          q.mutable_data<int32_t>()[i] = pattern.data<float>()[i] == 0.0f ? 0 : draw(high) + 1 - (i % 2) * high;
        for (int64_t i = 0; i < cells; ++i) scale.mutable_data<float>()[i] = 0.01f * static_cast<float>(i + 1);
        const EncodedTensor encoded = encode_affine(q, scale, {}, encoding);
        ASSERT_TRUE(same_bytes(decode_integers(encoded), q)) << bits << " bits, axis " << axis;
        ASSERT_TRUE(same_bytes(scales_of(encoded), scale));
        ASSERT_EQ(decode(encoded).shape(), q.shape());
      }
    }
  }
}

TEST(Encoding, affine_values_use_the_cell_of_their_axis_and_group) {
  // [2, 4], one scale per row and pair of columns; zero points differ.
  const Tensor q = Tensor::of<int32_t>({1, 2, 3, 4, 5, 6, 7, 8}, {2, 4});
  const Tensor scale = Tensor::of<float>({1, 10, 100, 1000}, {4});
  const Tensor zero = Tensor::of<int32_t>({0, 1, 2, 3}, {4});
  const EncodedTensor encoded = encode_affine(
      q, scale, zero, {.bits = 4, .is_signed = false, .axis = 0, .group_axis = 1, .group_size = 2});
  EXPECT_EQ(decode(encoded).to_doubles(), (std::vector<double>{1, 2, 20, 30, 300, 400, 4000, 5000}));
}

TEST(Encoding, a_sparse_affine_layout_drops_what_equals_the_zero_point) {
  const Tensor q = Tensor::of<int32_t>({3, 7, 3, 0}, {4});
  const EncodedTensor encoded = encode_affine(q, Tensor::of<float>({0.5f}, {1}), Tensor::of<int32_t>({3}, {1}),
                                              {.layout = Layout::kBitmask, .bits = 8, .is_signed = false});
  EXPECT_EQ(encoded.parts.at("data").numel(), 2);
  EXPECT_TRUE(same_bytes(decode_integers(encoded), q));
  EXPECT_EQ(decode(encoded).to_doubles(), (std::vector<double>{0, 2, 0, -1.5}));
}

std::vector<int64_t> bytes_of(const EncodedTensor& encoded, const std::string& part) {
  return encoded.parts.at(part).to_ints();
}

TEST(Encoding, the_worked_example_of_the_format_description) {
  const Tensor q = Tensor::of<int32_t>({1, -2, 0, 7, 0, 0, -7, 3}, {2, 4});
  const Tensor scale = Tensor::of<float>({0.5f, 0.25f}, {2});
  const EncodedTensor dense = encode_affine(q, scale, {}, {.bits = 4, .axis = 0});
  EXPECT_EQ(bytes_of(dense, "data"), (std::vector<int64_t>{0xe1, 0x70, 0x00, 0x39}));
  EXPECT_EQ(decode(dense).to_doubles(), (std::vector<double>{0.5, -1, 0, 3.5, 0, 0, -1.75, 0.75}));
  const EncodedTensor sparse = encode_affine(q, scale, {}, {.layout = Layout::kBitmask, .bits = 4, .axis = 0});
  EXPECT_EQ(bytes_of(sparse, "data"), (std::vector<int64_t>{0xe1, 0x97, 0x03}));
  EXPECT_EQ(bytes_of(sparse, "mask"), (std::vector<int64_t>{0xcb}));
}

TEST(Encoding, palette_and_sign) {
  const Tensor palette = Tensor::of<float>({0.0f, -1.5f, 4.0f}, {3});
  const Tensor indices = Tensor::of<int32_t>({0, 1, 2, 0, 2}, {5});
  for (Layout layout : {Layout::kDense, Layout::kBitmask}) {
    EXPECT_EQ(decode(encode_palette(indices, palette, {.layout = layout, .bits = 2})).to_doubles(),
              (std::vector<double>{0, -1.5, 4, 0, 4}));
    const Tensor signs = Tensor::of<float>({1, -2, 0, -4, 5, 6}, {2, 3});
    const double middle = layout == Layout::kDense ? 0.5 : 0.0;
    EXPECT_EQ(decode(encode_sign(signs, Tensor::of<float>({0.5f, 2.0f}, {2}),
                                 {.layout = layout, .codec = Codec::kSign, .axis = 0}))
                  .to_doubles(),
              (std::vector<double>{0.5, -0.5, middle, -2, 2, 2}));
  }
}

TEST(Encoding, values_that_do_not_fit_are_refused) {
  const Tensor q = Tensor::of<int32_t>({8, -9}, {2}), one = Tensor::of<float>({1}, {1});
  EXPECT_THROW(encode_affine(q, one, {}, {.bits = 4}), ModelError);
  EXPECT_THROW(encode_affine(q, one, {}, {.bits = 8, .is_signed = false}), ModelError);
  EXPECT_THROW(encode_affine(q, one, {}, {.bits = 9}), ModelError);
  EXPECT_THROW(encode_affine(q, one, {}, {.bits = 8, .axis = 0}), ModelError);
  EXPECT_THROW(encode_affine(q, one, {}, {.bits = 8, .axis = 1}), ModelError);
  EXPECT_THROW(encode(random_floats({2, 8}, 0), {.layout = Layout::kNofM, .n = 2, .m = 4}), ModelError);
  EXPECT_THROW(encode(random_floats({2, 6}, 0), {.layout = Layout::kNofM, .n = 2, .m = 4}), ModelError);
  EXPECT_THROW(encode(Tensor(DType::kI32, {2}), {.codec = Codec::kF16}), ModelError);
}

TEST(Encoding, damaged_parts_are_refused) {
  for (const auto& [encoding, tensor] : layouts()) {
    const EncodedTensor good = encode(tensor, encoding);
    for (const auto& [name, part] : good.parts) {
      EncodedTensor missing = good, shorter = good, other = good;
      missing.parts.erase(name);
      EXPECT_THROW(decode(missing), ModelError) << name;
      shorter.parts[name] = Tensor(part.dtype(), {part.numel() - 1});
      EXPECT_THROW(decode(shorter), ModelError) << name;
      other.parts[name] = Tensor(DType::kI16, part.shape());
      EXPECT_THROW(decode(other), ModelError) << name;
    }
  }
  EncodedTensor palette = encode_palette(Tensor::of<int32_t>({0, 1}, {2}), Tensor::of<float>({1, 2}, {2}), {.bits = 2});
  palette.parts["data"] = pack_bits(std::vector<int32_t>{3, 3}, 2);
  EXPECT_THROW(decode(palette), ModelError);
}

TEST(Encoding, shapes_that_overflow_are_refused) {
  EncodedTensor huge = encode_affine(Tensor::of<int32_t>({1}, {1}), Tensor::of<float>({1}, {1}), {}, {});
  for (const Shape& shape : {Shape{int64_t{1} << 62, 4}, Shape{0, int64_t{1} << 62, 4}, Shape{-1}, Shape{1000000007}}) {
    huge.shape = shape;
    EXPECT_THROW(decode(huge), ModelError);
    huge.encoding.axis = 0;
    EXPECT_THROW(decode(huge), ModelError);
  }
}

}  // namespace
}  // namespace pare
