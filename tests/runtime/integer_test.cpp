#include <gtest/gtest.h>

#include <cmath>

#include "core/base/quant_math.h"
#include "tests/runtime/support.h"

namespace pare::test {
namespace {

constexpr QRange kU8{0, 255};

struct Weight {
  Tensor integers;              // kI32
  std::vector<float> scales;    // one an output channel
  EncodedTensor encoded;
};

Weight random_weight(const Shape& shape, int64_t axis, uint64_t seed) {
  Weight w;
  w.integers = random_integers(DType::kI32, shape, seed, -127, 127);
  const int64_t cells = shape[static_cast<size_t>(axis)];
  const Tensor scales = random_floats({cells}, seed + 1, 0.001, 0.01);
  w.scales.assign(scales.data<float>(), scales.data<float>() + cells);
  Encoding encoding;
  encoding.codec = Codec::kAffine;
  encoding.axis = axis;
  w.encoded = encode_affine(w.integers, scales, {}, encoding);
  return w;
}

// 32-bit integers with scale x_scale * w_scale[i].
EncodedTensor bias_of(const Tensor& integers, float x_scale, const std::vector<float>& scales) {
  std::vector<float> own;
  for (float scale : scales) own.push_back(x_scale * scale);
  Encoding encoding;
  encoding.codec = Codec::kAffine;
  encoding.bits = 32;
  encoding.axis = 0;
  return encode_affine(integers, Tensor::of(own, integers.shape()), {}, encoding);
}

struct Params {
  float scale;
  int32_t zero_point;
};
constexpr Params kX{0.02f, 113}, kY{0.05f, 31};

std::vector<KernelRow> rows_of(Executor& executor, const std::vector<Tensor>& inputs) {
  std::vector<Shape> shapes;
  for (const Tensor& input : inputs) shapes.push_back(input.shape());
  return executor.kernels(shapes);
}

bool uses(const std::vector<KernelRow>& rows, const std::string& op) {
  for (const KernelRow& row : rows) {
    if (row.op == op) return true;
  }
  return false;
}

// What QuantizeLinear makes of a float tensor.
std::vector<int32_t> quantized(const Tensor& x, Params p) {
  std::vector<int32_t> out;
  for (float value : x.span<float>()) out.push_back(quantize(value, p.scale, p.zero_point, kU8));
  return out;
}

struct IntegerConvCase {
  int64_t batch, channels, outputs, size, kernel, stride, pad, dilation, group;
  std::string activation;
};

FrozenModel conv_model(const IntegerConvCase& c, const Weight& w, const EncodedTensor& bias) {
  ModelBuilder b;
  const ValueId x = b.quantize(b.input("x", DType::kF32, {c.batch, c.channels, c.size, c.size}), "xq", kX.scale, kX.zero_point);
  const auto pair = [](int64_t v) { return std::vector<int64_t>{v, v}; };
  ValueId y = b.add("Conv", "conv", {x, b.constant("w", w.encoded), b.constant("b", bias)},
                    {{"group", c.group}, {"strides", pair(c.stride)}, {"dilations", pair(c.dilation)}, {"pads", std::vector<int64_t>(4, c.pad)}});
  if (c.activation == "Relu") y = b.add("Relu", "act", {y});
  if (c.activation == "Clip") y = b.add("Clip", "act", {y}, {{"min", -0.4}, {"max", 0.9}});
  return b.finish({b.quantize(y, "yq", kY.scale, kY.zero_point)});
}

// The integer layer from its definition: exact sums, then quant_math's requantization, then the activation's bounds.
std::vector<double> expected_conv(const IntegerConvCase& c, const std::vector<int32_t>& x, const Weight& w, const Tensor& bias, const Shape& out) {
  const int64_t in_group = c.channels / c.group, out_group = c.outputs / c.group;
  QRange range = kU8;
  if (c.activation == "Relu") range.low = kY.zero_point;
  if (c.activation == "Clip") range = {quantize(-0.4f, kY.scale, kY.zero_point, kU8), quantize(0.9f, kY.scale, kY.zero_point, kU8)};
  std::vector<double> y;
  for (int64_t i = 0; i < numel_of(out); ++i) {
    const int64_t column = i % out[3], row = i / out[3] % out[2], o = i / out[3] / out[2] % c.outputs, n = i / out[3] / out[2] / c.outputs;
    int64_t sum = bias.data<int32_t>()[o];
    for (int64_t k = 0; k < in_group * c.kernel * c.kernel; ++k) {
      const int64_t ch = o / out_group * in_group + k / c.kernel / c.kernel;
      const int64_t h = row * c.stride - c.pad + k / c.kernel % c.kernel * c.dilation, v = column * c.stride - c.pad + k % c.kernel * c.dilation;
      if (h < 0 || v < 0 || h >= c.size || v >= c.size) continue;
      sum += static_cast<int64_t>(x[static_cast<size_t>(((n * c.channels + ch) * c.size + h) * c.size + v)] - kX.zero_point) *
             w.integers.data<int32_t>()[o * in_group * c.kernel * c.kernel + k];
    }
    const float multiplier = (kX.scale * w.scales[static_cast<size_t>(o)]) / kY.scale;
    y.push_back(dequantize(requantize(static_cast<int32_t>(sum), multiplier, kY.zero_point, range), kY.scale, kY.zero_point));
  }
  return y;
}

const std::vector<IntegerConvCase> kConvs = {
    {1, 3, 4, 5, 3, 1, 1, 1, 1, ""},       {2, 4, 6, 9, 3, 2, 1, 1, 1, "Relu"},  {1, 5, 3, 7, 1, 1, 0, 1, 1, "Clip"},
    {1, 6, 6, 6, 3, 1, 2, 2, 6, "Relu"},   {3, 8, 4, 5, 2, 1, 0, 1, 2, ""},      {1, 16, 33, 13, 3, 1, 1, 1, 1, "Relu"},
};

TEST(IntegerConv, IsExact) {
  for (const IntegerConvCase& c : kConvs) {
    const Weight w = random_weight({c.outputs, c.channels / c.group, c.kernel, c.kernel}, 0, 7);
    const Tensor bias = random_integers(DType::kI32, {c.outputs}, 9, -3000, 3000);
    const FrozenModel model = conv_model(c, w, bias_of(bias, kX.scale, w.scales));
    const Tensor x = random_floats({c.batch, c.channels, c.size, c.size}, 10, -3.0, 3.0);
    Executor executor(model);
    const Tensor y = executor.run({x})[0];
    EXPECT_TRUE(uses(rows_of(executor, {x}), "pare.plan.QLinearConv"));
    EXPECT_FALSE(uses(rows_of(executor, {x}), "Conv"));
    EXPECT_EQ(y.to_doubles(), expected_conv(c, quantized(x, kX), w, bias, y.shape()));

    ExecutorOptions as_written;
    as_written.fuse_integer = as_written.fuse_float = false;
    Executor unfused(model, as_written);
    const Tensor z = unfused.run({x})[0];
    EXPECT_TRUE(uses(rows_of(unfused, {x}), "Conv"));
    // Float sums may fall on the other side of a tie.
    for (int64_t i = 0; i < y.numel(); ++i) EXPECT_NEAR(y.data<float>()[i], z.data<float>()[i], kY.scale * 1.001f);
  }
}

TEST(IntegerConv, FloatBiasIsRoundedToItsScale) {
  const IntegerConvCase c{1, 3, 4, 5, 3, 1, 1, 1, 1, ""};
  const Weight w = random_weight({4, 3, 3, 3}, 0, 7);
  const Tensor bias = random_floats({4}, 9, -0.5, 0.5), x = random_floats({1, 3, 5, 5}, 10, -3.0, 3.0);
  Tensor integers(DType::kI32, {4});
  for (int64_t i = 0; i < 4; ++i) {
    integers.mutable_data<int32_t>()[i] = static_cast<int32_t>(std::nearbyint(bias.data<float>()[i] / (kX.scale * w.scales[static_cast<size_t>(i)])));
  }
  const Tensor y = Executor(conv_model(c, w, encode_raw(bias))).run({x})[0];
  EXPECT_EQ(y.to_doubles(), expected_conv(c, quantized(x, kX), w, integers, y.shape()));
}

TEST(IntegerGemm, IsExactForBothWeightOrders) {
  const int64_t m = 37, k = 50, n = 19;
  for (int64_t trans_b : {0, 1}) {
    for (const std::string op : {"Gemm", "MatMul"}) {
      if (op == "MatMul" && trans_b) continue;
      const Weight w = random_weight(trans_b ? Shape{n, k} : Shape{k, n}, trans_b ? 0 : 1, 3);
      ModelBuilder b;
      const ValueId x = b.quantize(b.input("x", DType::kF32, {m, k}), "xq", kX.scale, kX.zero_point);
      const Attrs attrs = op == "Gemm" ? Attrs{{"transB", trans_b}} : Attrs{};
      const ValueId y = b.add(op, "fc", {x, b.constant("w", w.encoded)}, attrs);
      Executor executor(b.finish({b.quantize(y, "yq", kY.scale, kY.zero_point)}));
      const Tensor input = random_floats({m, k}, 4, -3.0, 3.0), out = executor.run({input})[0];
      EXPECT_TRUE(uses(rows_of(executor, {input}), "pare.plan.QLinear" + op));
      const std::vector<int32_t> q = quantized(input, kX);
      std::vector<double> want;
      for (int64_t i = 0; i < m * n; ++i) {
        int32_t sum = 0;
        for (int64_t l = 0; l < k; ++l) {
          sum += (q[static_cast<size_t>(i / n * k + l)] - kX.zero_point) * w.integers.data<int32_t>()[trans_b ? i % n * k + l : l * n + i % n];
        }
        const float multiplier = (kX.scale * w.scales[static_cast<size_t>(i % n)]) / kY.scale;
        want.push_back(dequantize(requantize(sum, multiplier, kY.zero_point, kU8), kY.scale, kY.zero_point));
      }
      EXPECT_EQ(out.to_doubles(), want) << op << trans_b;
    }
  }
}

// Add, requantization and movement give what the nodes as written give, to the bit.
TEST(IntegerIslands, ElementwiseAndMovementEqualTheNodesAsWritten) {
  ModelBuilder b;
  const ValueId x = b.input("x", DType::kF32, {Dim::symbol("N"), 4, 8, 8});
  const ValueId a = b.quantize(x, "a", 0.02f, 100), s = b.quantize(x, "s", 0.013f, -4, DType::kI8);
  const ValueId cut = b.add("Slice", "cut", {a}, {{"starts", std::vector<int64_t>{0, 0}}, {"ends", std::vector<int64_t>{INT64_MAX, INT64_MAX}},
                                                  {"axes", std::vector<int64_t>{2, 3}}, {"steps", std::vector<int64_t>{2, 2}}});
  const ValueId padded = b.quantize(b.add("Pad", "pad", {cut}, {{"pads", std::vector<int64_t>{0, 2, 0, 0, 0, 2, 0, 0}}}), "p", 0.02f, 100);
  const ValueId pooled = b.add("MaxPool", "pool", {s}, {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
  const ValueId twice = b.add("Concat", "twice", {pooled, pooled}, {{"axis", int64_t{1}}});
  const ValueId requantized = b.quantize(twice, "r", 0.03f, 90);
  const ValueId sum = b.quantize(b.add("Relu", "relu", {b.add("Add", "add", {padded, requantized})}), "y", 0.04f, 3);
  const FrozenModel model = b.finish({sum});
  const Tensor input = random_floats({2, 4, 8, 8}, 6, -3.0, 3.0);
  Executor fused(model);
  ExecutorOptions options;
  options.fuse_integer = false;
  EXPECT_TRUE(same_bytes(fused.run({input})[0], Executor(model, options).run({input})[0]));
  const auto rows = rows_of(fused, {input});
  EXPECT_TRUE(uses(rows, "pare.plan.QLinearAdd"));
  EXPECT_TRUE(uses(rows, "pare.plan.QLinearRequantize"));
  int conversions = 0;
  for (const KernelRow& row : rows) conversions += row.op == "QuantizeLinear" || row.op == "DequantizeLinear";
  EXPECT_EQ(conversions, 3) << "two at the input, one at the output";
}

TEST(IntegerIslands, GlobalAveragePoolRequantizesTheSum) {
  ModelBuilder b;
  const ValueId x = b.quantize(b.input("x", DType::kF32, {2, 5, 7, 3}), "xq", kX.scale, kX.zero_point);
  Executor executor(b.finish({b.quantize(b.add("GlobalAveragePool", "gap", {x}), "yq", kY.scale, kY.zero_point)}));
  const Tensor input = random_floats({2, 5, 7, 3}, 4, -3.0, 3.0);
  const std::vector<int32_t> q = quantized(input, kX);
  std::vector<double> want;
  for (size_t plane = 0; plane < 10; ++plane) {
    int32_t sum = 0;
    for (size_t i = 0; i < 21; ++i) sum += q[plane * 21 + i] - kX.zero_point;
    want.push_back(dequantize(requantize(sum, kX.scale / (kY.scale * 21.0f), kY.zero_point, kU8), kY.scale, kY.zero_point));
  }
  EXPECT_EQ(executor.run({input})[0].to_doubles(), want);
}

TEST(IntegerIslands, IncompleteOnesRunInFloat) {
  const Weight w = random_weight({4, 3, 1, 1}, 0, 7);
  ModelBuilder b;
  const ValueId x = b.quantize(b.input("x", DType::kF32, {1, 3, 4, 4}), "xq", kX.scale, kX.zero_point);
  Executor executor(b.finish({b.add("Conv", "conv", {x, b.constant("w", w.encoded)})}));
  const Tensor input = random_floats({1, 3, 4, 4}, 1);
  executor.run({input});
  EXPECT_TRUE(uses(rows_of(executor, {input}), "Conv"));
}

TEST(IntegerIslands, FetchedValuesAreKeptAsWritten) {
  const IntegerConvCase c{1, 3, 4, 5, 3, 1, 1, 1, 1, "Relu"};
  const Weight w = random_weight({4, 3, 3, 3}, 0, 7);
  const FrozenModel model = conv_model(c, w, bias_of(random_integers(DType::kI32, {4}, 9, -3000, 3000), kX.scale, w.scales));
  const Tensor x = random_floats({1, 3, 5, 5}, 10);
  ExecutorOptions options;
  options.fuse_integer = false;
  const auto want = Executor(model, options).run({x}, {"conv", "xq.q"});
  const auto got = Executor(model).run({x}, {"conv", "xq.q"});
  ASSERT_EQ(got.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(same_bytes(got[i], want[i]));
}

TEST(QuantNodes, PerChannelAndEveryIntegerType) {
  const Tensor x = random_floats({2, 3, 4}, 1, -2.0, 2.0), scale = random_floats({3}, 2, 0.001, 0.02);
  for (DType dtype : {DType::kU8, DType::kI8, DType::kU16, DType::kI16}) {
    const bool wide = size_of(dtype) == 2, is_signed = dtype == DType::kI8 || dtype == DType::kI16;
    const QRange range = qrange(wide ? 16 : 8, is_signed, false);
    const Tensor zero = random_integers(dtype, {3}, 3, 1, 100);
    const Tensor q = run_node("QuantizeLinear", {{x}, {scale, true}, {zero, true}})[0];
    const Tensor y = run_node("DequantizeLinear", {{q}, {scale, true}, {zero, true}})[0];
    ASSERT_EQ(q.dtype(), dtype);
    for (int64_t i = 0; i < x.numel(); ++i) {
      const int64_t c = i / 4 % 3;
      const auto z = static_cast<int32_t>(zero.to_ints()[static_cast<size_t>(c)]);
      const int32_t want = quantize(x.data<float>()[i], scale.data<float>()[c], z, range);
      EXPECT_EQ(q.to_ints()[static_cast<size_t>(i)], want);
      EXPECT_EQ(y.data<float>()[i], dequantize(want, scale.data<float>()[c], z));
    }
  }
}

TEST(QuantNodes, FakeQuantIsBothAtOnce) {
  const Tensor x = random_floats({5, 7}, 1, -2.0, 2.0), scale = Tensor::of<float>({0.1f}, {1}), zero = Tensor::of<int32_t>({3}, {1});
  const Tensor y = run_node("pare.FakeQuant", {{x}, {scale, true}, {zero, true}}, {{"bits", int64_t{4}}})[0];
  for (int64_t i = 0; i < x.numel(); ++i) EXPECT_EQ(y.data<float>()[i], fake_quantize(x.data<float>()[i], 0.1f, 3, {0, 15}));
}

}  // namespace
}  // namespace pare::test
