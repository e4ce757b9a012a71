#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/quant_math.h"
#include "core/model/fake_quantize.h"
#include "tests/model/helpers.h"

namespace pare::testing {
namespace {

Encoding int8(int64_t axis) { return {.codec = Codec::kAffine, .bits = 8, .is_signed = true, .axis = axis}; }

at::Tensor floats(const std::vector<float>& values) { return at::tensor(values, at::kFloat); }
at::Tensor ints(const std::vector<int>& values) { return at::tensor(values, at::kInt); }

Model one_weight(const Tensor& weight) {
  GraphWithConstants parts;
  const ValueId x = parts.graph.add_input("x", DType::kF32, {Dim::symbol("N"), weight.dim(1)});
  const ValueId w = parts.graph.add_constant("fc.weight", Role::kParameter, DType::kF32, weight.shape());
  parts.graph.set_outputs({parts.graph.add("Gemm", "fc", {x, w}, {{"transB", int64_t{1}}})});
  parts.constants.set("fc.weight", weight);
  return Model(parts.graph, parts.constants);
}

TEST(FakeQuantize, EqualsTheScalarArithmeticOnNearTies) {
  std::vector<float> x;
  const float scale = 0.1f;
  for (int i = -400; i < 400; ++i)
    for (float nudge : {-1e-7f, 0.0f, 1e-7f}) x.push_back((static_cast<float>(i) + 0.5f) * scale + nudge);
  const QRange range = qrange(8, false, false);
  const at::Tensor got = fake_quantize(floats(x), floats({scale}), ints({13}), range);
  for (size_t i = 0; i < x.size(); ++i)
    ASSERT_EQ(got.const_data_ptr<float>()[i], fake_quantize(x[i], scale, 13, range)) << x[i];
}

TEST(FakeQuantize, OneCellAndManyCellsGiveTheSameBits) {
  at::Tensor x = (random({2, 3, 5, 7}, 9) * 40).contiguous(at::MemoryFormat::ChannelsLast);
  x[0][0][0] = std::numeric_limits<float>::infinity();
  x[1][2][0] = -1e30f;
  const QRange range = qrange(5, false, false);
  at::Tensor gradients[2], values[2];
  for (const bool many : {false, true}) {
    at::Tensor leaf = x.clone().set_requires_grad(true);
    const at::Tensor scale = many ? floats({0.7f, 0.7f, 0.7f}).view({3, 1, 1}) : floats({0.7f});
    values[many] = fake_quantize(leaf, scale, many ? ints({9, 9, 9}).view({3, 1, 1}) : ints({9}), range);
    (values[many] * values[many]).sum().backward();
    gradients[many] = leaf.grad();
  }
  EXPECT_TRUE(values[0].equal(values[1]));
  EXPECT_TRUE(gradients[0].equal(gradients[1]));
  EXPECT_TRUE(fake_quantize(floats({NAN}), floats({0.7f}), ints({0}), range).isnan().all().item<bool>());
}

TEST(FakeQuantize, PassesGradientsInsideTheRange) {
  at::Tensor x = floats({-0.3f, 0.0f, 1.0f, 25.4f, 25.7f}).set_requires_grad(true);
  fake_quantize(x, floats({0.1f}), ints({0}), qrange(8, false, false)).sum().backward();
  EXPECT_TRUE(same_bits(x.grad(), floats({0, 1, 1, 1, 0})));
}

TEST(Mask, DropsElementsAndTheirGradients) {
  const Mask mask(floats({1, 0, 1}));
  at::Tensor w = floats({-1.0f, -2.0f, 3.0f}).set_requires_grad(true);
  const at::Tensor out = mask.apply(w);
  EXPECT_TRUE(same_bits(out, floats({-1, 0, 3})));  // +0, not -0
  out.sum().backward();
  EXPECT_TRUE(same_bits(w.grad(), floats({1, 0, 1})));
}

TEST(Mask, FollowsACut) {
  Mask mask(floats({1, 0, 1, 1, 0, 0}).view({2, 3}), {.layout = Layout::kNofM, .n = 1, .m = 3});
  mask.remap({.kind = ParamRemap::Kind::kSliced, .from = "w", .cuts = {{1, {2, 1}}}});
  EXPECT_TRUE(same_bits(mask.mask(), floats({1, 0, 0, 0}).view({2, 2})));
  EXPECT_EQ(mask.encode(random_tensor({2, 2}))->encoding.layout, Layout::kBitmask);
}

TEST(AffineQuant, HasOneScaleACellAndGroups) {
  const at::Tensor w = random({4, 6}, 3);
  Encoding grouped{.codec = Codec::kAffine, .bits = 4, .is_signed = true, .axis = 0, .group_axis = 1, .group_size = 4};
  std::vector<float> scales;
  for (int i = 0; i < 8; ++i) scales.push_back(0.1f + 0.05f * static_cast<float>(i));
  const AffineQuant link(floats(scales), at::zeros({8}, at::kInt), grouped);
  const at::Tensor out = link.apply(w);
  for (int64_t r = 0; r < 4; ++r) {
    for (int64_t c = 0; c < 6; ++c) {
      const float scale = scales[static_cast<size_t>(r * 2 + c / 4)];
      EXPECT_EQ(out[r][c].item<float>(), fake_quantize(w[r][c].item<float>(), scale, 0, qrange(4, true, true)));
    }
  }
  EXPECT_TRUE(same_bits(borrow(decode(*link.encode(lend(out)))), out));
  EXPECT_THROW(AffineQuant(floats({0.1f}), ints({0}), grouped).apply(w), ModelError);
}

TEST(AffineQuant, FollowsACutOfItsAxis) {
  AffineQuant link(floats({1, 2, 3}), ints({4, 5, 6}), int8(1));
  link.remap({.kind = ParamRemap::Kind::kSliced, .from = "w", .cuts = {{0, {1}}, {1, {2, 0}}}});
  EXPECT_TRUE(same_bits(link.scale(), floats({3, 1})));
  EXPECT_TRUE(same_bits(link.zero_point(), ints({6, 4})));
}

TEST(Chain, MaskComesBeforeIntegersWhoeverCameFirst) {
  Model model = one_weight(random_tensor({3, 4}, 8));
  // Zero point 3: a mask behind the integers would store q = 0, which is -3 scales.
  Encoding unsigned8 = int8(-1);
  unsigned8.is_signed = false;
  model.add_link("fc.weight", std::make_shared<AffineQuant>(floats({0.05f}), ints({128}), unsigned8));
  model.add_link("fc.weight", std::make_shared<Mask>(random({3, 4}, 9).gt(0), Encoding{.layout = Layout::kBitmask}));
  const Chain& chain = model.param("fc.weight").chain;
  ASSERT_EQ(chain.size(), 2u);
  EXPECT_EQ(chain[0]->kind(), "mask");
  const at::Tensor effective = model.effective("fc.weight");
  const EncodedTensor stored = encode(chain, lend(effective));
  EXPECT_EQ(stored.encoding.layout, Layout::kBitmask);
  EXPECT_EQ(stored.encoding.codec, Codec::kAffine);
  EXPECT_TRUE(same_bits(borrow(decode(stored)), effective));
  EXPECT_TRUE(model.remove_link("fc.weight", "mask"));
  EXPECT_FALSE(model.remove_link("fc.weight", "mask"));
}

TEST(Chain, RefusesALinkOfAnotherShape) {
  Model model = one_weight(random_tensor({3, 4}, 8));
  EXPECT_THROW(model.add_link("fc.weight", std::make_shared<Mask>(floats({1, 0, 1}).view({3, 1, 1}))), ModelError);
  EXPECT_THROW(model.add_link("fc.weights", std::make_shared<Mask>(floats({1}))), ModelError);
  EXPECT_TRUE(model.param("fc.weight").chain.empty());
}

TEST(Chain, BiasIntegersOf32BitsAreExact) {
  const AffineQuant link(floats({1e-4f}), ints({0}), {.codec = Codec::kAffine, .bits = 32, .is_signed = true});
  const at::Tensor bias = random({64}, 4) * 10;
  const at::Tensor out = link.apply(bias);
  EXPECT_TRUE(same_bits(borrow(decode(*link.encode(lend(out)))), out));
}

}  // namespace
}  // namespace pare::testing
