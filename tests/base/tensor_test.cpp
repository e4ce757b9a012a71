#include "core/base/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/gather.h"
#include "core/base/half.h"

namespace pare {
namespace {

TEST(Tensor, ZeroFilledAndAligned) {
  Tensor t(DType::kF32, {2, 3});
  EXPECT_EQ(t.numel(), 6);
  EXPECT_EQ(t.nbytes(), 24);
  EXPECT_EQ(t.dim(-1), 3);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(t.bytes()) % 64, 0u);
  EXPECT_EQ(t.to_doubles(), std::vector<double>(6, 0.0));
  EXPECT_FALSE(Tensor().defined());
  EXPECT_TRUE(Tensor(DType::kF32, {0}).defined());
  EXPECT_EQ(Tensor::scalar(2.0f).numel(), 1);
}

TEST(Tensor, AccessIsChecked) {
  Tensor t = Tensor::of<float>({1, 2}, {2});
  EXPECT_THROW(t.data<double>(), InternalError);
  Tensor shared = t;
  EXPECT_THROW(t.mutable_data<float>(), InternalError) << "a shared tensor is not written to";
  shared = Tensor();
  t.mutable_data<float>()[0] = 5;
  EXPECT_EQ(t.span<float>()[0], 5.0f);
  const auto owner = std::make_shared<std::vector<float>>(4, 1.0f);
  Tensor lent(DType::kF32, {4}, owner, reinterpret_cast<const std::byte*>(owner->data()));
  EXPECT_EQ(owner.use_count(), 2);
  EXPECT_THROW(lent.mutable_data<float>(), InternalError) << "a lent tensor is not written to";
  lent.clone().mutable_data<float>()[0] = 2;
  EXPECT_EQ(lent.span<float>()[0], 1.0f);
  EXPECT_THROW(Tensor::of<float>({1, 2}, {3}), InternalError);
}

TEST(Tensor, ImpossibleShapesAreRefused) {
  EXPECT_THROW(Tensor(DType::kF32, {-1}), ModelError);
  EXPECT_THROW(Tensor(DType::kF32, {int64_t{1} << 32, int64_t{1} << 32}), ModelError);
  EXPECT_THROW(Tensor(DType::kF64, {int64_t{1} << 61}), ModelError) << "the bytes overflow";
  EXPECT_THROW(Tensor(DType::kF32, {4}).reshaped({5}), ModelError);
  EXPECT_EQ(Tensor(DType::kF32, {4}).reshaped({2, 2}).shape(), (Shape{2, 2}));
}

TEST(Tensor, ConvertsAndSaturates) {
  const Tensor t = Tensor::of<float>({-1.7f, 300.0f, 0.0f, NAN, INFINITY}, {5});
  EXPECT_EQ(t.to(DType::kI8).to_ints(), (std::vector<int64_t>{-1, 127, 0, 0, 127}));
  EXPECT_EQ(t.to(DType::kU8).to_ints(), (std::vector<int64_t>{0, 255, 0, 0, 255}));
  EXPECT_EQ(t.to(DType::kI64).to_ints()[4], std::numeric_limits<int64_t>::max());
  EXPECT_EQ(t.to(DType::kBool).to_ints(), (std::vector<int64_t>{1, 1, 0, 1, 1}));
  const Tensor exact = Tensor::of<int64_t>({(int64_t{1} << 53) + 1}, {1});
  EXPECT_EQ(exact.to_ints()[0], (int64_t{1} << 53) + 1) << "integers do not go through double";
  EXPECT_EQ(Tensor::of<float>({1.0f / 3.0f}, {1}).to(DType::kF16).to_doubles()[0],
            static_cast<float>(Half(1.0f / 3.0f)));
}

TEST(Take, PicksAlongAnyDim) {
  const Tensor t = Tensor::of<int32_t>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {2, 3, 2});
  const std::vector<int64_t> swap = {2, 0};
  EXPECT_EQ(take(t, 1, swap).to_ints(), (std::vector<int64_t>{4, 5, 0, 1, 10, 11, 6, 7}));
  EXPECT_EQ(take(t, 1, swap).shape(), (Shape{2, 2, 2}));
  const std::vector<int64_t> last = {1};
  EXPECT_EQ(take(t, 2, last).to_ints(), (std::vector<int64_t>{1, 3, 5, 7, 9, 11}));
  EXPECT_EQ(take(t, 0, {}).shape(), (Shape{0, 3, 2}));
  const std::vector<int64_t> outside = {3}, negative = {-1};
  EXPECT_THROW(take(t, 1, outside), InternalError);
  EXPECT_THROW(take(t, 1, negative), InternalError);
  EXPECT_THROW(take(t, 3, last), InternalError);
}

TEST(CellGather, SeveralCutsEqualOneAfterTheOther) {
  const std::vector<int64_t> first = {3, 0, 1}, second = {1, 2, 4}, third = {2, 0}, again = {2, 1};
  for (const DType dtype : {DType::kI8, DType::kF16, DType::kF32, DType::kF64}) {
    Tensor t(DType::kI32, {4, 2, 5, 3});
    for (int64_t i = 0; i < t.numel(); ++i) t.mutable_data<int32_t>()[i] = static_cast<int32_t>(i);
    t = t.to(dtype);
    const CellGather gather(t.shape(), size_of(dtype), {{2, second}, {0, first}, {3, third}, {0, again}});
    Tensor got(dtype, gather.shape());
    gather.run(t.bytes(), got.mutable_bytes());
    EXPECT_TRUE(same_bytes(got, take(take(take(take(t, 2, second), 0, first), 3, third), 0, again)));
    EXPECT_EQ(got.shape(), (Shape{2, 2, 3, 2}));
  }
  EXPECT_THROW(CellGather({4, 2}, 4, {{0, again}, {0, again}}), InternalError) << "index 2 of 2 that are left";
}

TEST(Tensor, SameBytesLooksAtTypeShapeAndContent) {
  const Tensor t = Tensor::of<float>({1, 2}, {2});
  EXPECT_TRUE(same_bytes(t, t.clone()));
  EXPECT_FALSE(same_bytes(t, t.reshaped({1, 2})));
  EXPECT_FALSE(same_bytes(t, Tensor::of<float>({1, 3}, {2})));
  EXPECT_FALSE(same_bytes(Tensor(DType::kI32, {1}), Tensor(DType::kF32, {1})));
}

TEST(DType, NamesReadBack) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(DType::kBool); ++i) {
    DType back = DType::kF32;
    ASSERT_TRUE(parse_dtype(name_of(static_cast<DType>(i)), back));
    EXPECT_EQ(back, static_cast<DType>(i));
  }
  DType unchanged = DType::kI8;
  EXPECT_FALSE(parse_dtype("f32", unchanged));
  EXPECT_EQ(unchanged, DType::kI8);
}

}  // namespace
}  // namespace pare
