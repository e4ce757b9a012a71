#include "tests/runtime/kernel_cases.h"

#include <cmath>

namespace pare::test {
namespace {

// Winograd's errors as winograd.cpp models them, in units of that model's standard deviation for inputs and weights in [-1, 1].
constexpr double kWinogradDeviations = 6.0;
double winograd_deviation(int64_t channels) { return 21.4 * 0x1p-24 * static_cast<double>(channels) / std::sqrt(6.0) / 3.0; }

struct ConvShape {
  int64_t batch, channels, height, width, outputs, kernel_h, kernel_w, group = 1, stride = 1, dilation = 1;
  std::vector<int64_t> pads = {0, 0, 0, 0};
  bool patterns = false;
};

// Tiles are 6 rows x 16 columns, blocks 320 deep.
std::vector<ConvShape> conv_shapes() {
  std::vector<ConvShape> shapes;
  const std::vector<int64_t> same = {1, 1, 1, 1};
  for (int64_t width : {1, 2, 3, 5, 7, 8, 9, 14, 15, 16, 17, 31, 33}) shapes.push_back({1, 3, 5, width, 7, 3, 3, 1, 1, 1, same});
  for (int64_t outputs = 1; outputs <= 13; ++outputs) shapes.push_back({1, 2, 4, 9, outputs, 1, 1});
  for (int64_t width = 1; width <= 65; ++width) shapes.push_back({1, 5, 1, width, 9, 1, 1});
  for (int64_t channels : {35, 36, 71, 72, 120}) shapes.push_back({2, channels, 6, 6, 12, 3, 3, 1, 1, 1, same});
  for (int64_t channels : {319, 320, 321, 641}) shapes.push_back({1, channels, 3, 7, 6, 1, 1});
  for (int64_t stride : {2, 3}) {
    for (int64_t size : {7, 8, 15, 33}) {
      shapes.push_back({1, 4, size, size + 1, 6, 3, 3, 1, stride, 1, same});
      shapes.push_back({2, 4, size, size, 5, 1, 1, 1, stride});
      shapes.push_back({1, 3, size, size, 8, 7, 7, 1, stride, 1, {3, 3, 3, 3}});
    }
  }
  shapes.push_back({1, 4, 13, 12, 6, 3, 3, 1, 1, 2, {2, 2, 2, 2}});
  shapes.push_back({1, 4, 13, 12, 6, 3, 2, 1, 2, 3, {4, 0, 1, 5}});
  shapes.push_back({3, 12, 9, 9, 18, 3, 3, 3, 1, 1, same});
  for (int64_t size : {4, 7, 16, 19}) {
    shapes.push_back({2, 10, size, size, 10, 3, 3, 10, 1, 1, same});
    shapes.push_back({1, 10, size, size, 20, 5, 5, 10, 2, 1, {2, 2, 2, 2}});
  }
  // Depthwise: blocks of 4 lines, lines around one and two vectors.
  for (int64_t height : {1, 3, 4, 5, 8}) {
    for (int64_t width : {1, 6, 8, 9, 17, 33}) shapes.push_back({2, 3, height, width, 3, 3, 3, 3, 1 + width % 2, 1, same});
  }
  shapes.push_back({1, 3, 9, 17, 3, 5, 5, 3, 1, 1, {2, 2, 2, 2}});
  shapes.push_back({1, 3, 9, 17, 3, 3, 3, 3, 3, 2, {2, 2, 2, 2}});
  shapes.push_back({1, 3, 12, 21, 3, 3, 3, 3, 2, 1, {0, 1, 1, 0}});
  // Winograd: tiles of 4 x 4 pixels, panels of 16 tiles.
  for (int64_t size : {14, 15, 16, 17, 23}) shapes.push_back({2, 33, size, size + 6, 35, 3, 3, 1, 1, 1, same});
  shapes.push_back({1, 136, 16, 16, 130, 3, 3, 1, 1, 1, {0, 1, 2, 0}});
  shapes.push_back({1, 330, 12, 16, 32, 3, 3, 1, 1, 1, same});
  shapes.push_back({1, 32, 18, 66, 32, 3, 3});
  shapes.push_back({1, 80, 2, 40, 70, 3, 3, 1, 1, 1, same});   // filters beyond the second-level cache
  // Patterns: lines around the vector's width, filters in several blocks, places that are no neighbours.
  for (int64_t width : {7, 8, 14, 16, 23, 24, 32}) shapes.push_back({2, 5, 3, width, 30, 3, 3, 1, 1, 1, same, true});
  shapes.push_back({1, 3, 5, 8, 300, 3, 3, 1, 1, 1, same, true});
  shapes.push_back({2, 6, 15, 16, 40, 3, 3, 1, 2, 1, same, true});
  shapes.push_back({1, 6, 9, 8, 40, 3, 3, 1, 1, 2, {2, 2, 2, 2}, true});
  shapes.push_back({1, 6, 9, 10, 40, 3, 3, 1, 1, 1, {0, 0, 0, 0}, true});
  return shapes;
}

Attrs attrs_of(const ConvShape& c) {
  return {{"group", c.group}, {"strides", std::vector<int64_t>(2, c.stride)}, {"dilations", std::vector<int64_t>(2, c.dilation)},
          {"pads", c.pads}};
}

std::string text_of(const ConvShape& c) {
  return fmt("[{}, {}, {}, {}] to {} by {}x{} group {} stride {} dilation {} pads {}", c.batch, c.channels, c.height, c.width, c.outputs,
             c.kernel_h, c.kernel_w, c.group, c.stride, c.dilation, c.pads);
}

KernelCase conv_case(const ConvShape& c, bool fused, bool constant, double magnitude = 1.0) {
  ModelBuilder b;
  // The residual of the fused case is a convolution, too.
  const double winograd_error = kWinogradDeviations * winograd_deviation(c.channels) * (fused ? 2.0 : 1.0);
  const Tensor x = random_floats({c.batch, c.channels, c.height, c.width}, 1, -magnitude, magnitude);
  const Tensor values = random_floats({c.outputs, c.channels / c.group, c.kernel_h, c.kernel_w}, 2);
  const Tensor w = c.patterns ? with_patterns(values) : values;
  KernelCase out{text_of(c) + (fused ? " fused" : "") + (constant ? "" : " dynamic"), {}, {x}, winograd_error};
  const ValueId input = b.input("x", DType::kF32, to_dims(x.shape()));
  if (!constant) out.inputs.push_back(w);
  const ValueId weight = constant ? b.constant("w", w) : b.input("w", DType::kF32, to_dims(w.shape()));
  ValueId y = b.add("Conv", "conv", {input, weight, b.constant("bias", random_floats({c.outputs}, 3))}, attrs_of(c));
  if (fused) {
    const ValueId other = b.add("Conv", "other", {input, b.constant("v", random_floats(w.shape(), 4))}, attrs_of(c));
    y = b.add("Clip", "clip", {b.add("Add", "sum", {y, b.add("Neg", "neg", {other})})}, {{"min", -0.5}, {"max", 1.5}});
  }
  out.model = b.finish({y});
  return out;
}

std::vector<KernelCase> conv_cases(bool fused) {
  std::vector<KernelCase> cases;
  for (const ConvShape& shape : conv_shapes()) cases.push_back(conv_case(shape, fused, true));
  cases.push_back(conv_case({2, 6, 5, 9, 9, 3, 3, 3, 1, 1, {1, 1, 1, 1}}, fused, false));
  // Sums of the largest finite values overflow to infinity, and differences of infinities to NaN.
  cases.push_back(conv_case({1, 4, 5, 9, 7, 3, 3, 1, 1, 1, {1, 1, 1, 1}}, fused, true, 3e38));
  return cases;
}

KernelCase product_case(const std::string& op, const Shape& a, const Shape& b_shape, bool constant, const Attrs& attrs = {}) {
  ModelBuilder b;
  const Tensor left = random_floats(a, 1), right = random_floats(b_shape, 2);
  KernelCase out{fmt("{} x {}{}", a, b_shape, constant ? "" : " dynamic"), {}, {left}};
  if (!constant) out.inputs.push_back(right);
  std::vector<ValueId> ids = {b.input("a", DType::kF32, to_dims(a)),
                              constant ? b.constant("b", right) : b.input("b", DType::kF32, to_dims(b_shape))};
  const int64_t columns = attrs.integer("transB", 0) != 0 ? b_shape[0] : b_shape.back();
  if (op == "Gemm" && constant) ids.push_back(b.constant("c", random_floats({columns}, 3)));
  out.model = b.finish({b.add(op, "product", ids, attrs)});
  return out;
}

std::vector<KernelCase> gemm_cases() {
  std::vector<KernelCase> cases;
  for (int64_t rows : {1, 5, 6, 7, 96, 97}) {
    for (int64_t columns : {1, 7, 8, 9, 15, 16, 17, 33}) cases.push_back(product_case("Gemm", {rows, 21}, {21, columns}, true));
  }
  for (int64_t depth : {1, 319, 320, 321, 641}) {
    for (const bool constant : {true, false}) {
      cases.push_back(product_case("Gemm", {7, depth}, {20, depth}, constant, {{"transB", int64_t{1}}}));
    }
  }
  return cases;
}

std::vector<KernelCase> matmul_cases() {
  std::vector<KernelCase> cases;
  cases.push_back(product_case("MatMul", {2, 3, 7, 40}, {2, 3, 40, 19}, false));
  cases.push_back(product_case("MatMul", {2, 1, 7, 330}, {3, 330, 16}, false));
  cases.push_back(product_case("MatMul", {3, 5, 40}, {40, 35}, true));
  cases.push_back(product_case("MatMul", {40}, {40, 17}, true));
  return cases;
}

// 8-bit weights, one scale a filter; the extremes stand in front.
EncodedTensor weight_of(const Shape& shape, int64_t axis, bool patterns = false) {
  Tensor integers = random_integers(DType::kI32, shape, 5, -127, 127);
  for (int64_t i = 0; i < integers.numel() / 3; ++i) integers.mutable_data<int32_t>()[i] = i % 2 == 0 ? 127 : -127;
  if (patterns) integers = with_patterns(integers);
  Encoding encoding;
  encoding.codec = Codec::kAffine;
  encoding.axis = axis;
  return encode_affine(integers, random_floats({shape[static_cast<size_t>(axis)]}, 6, 0.001, 0.01), {}, encoding);
}

// Also bytes at both ends of their range.
Tensor wide_floats(const Shape& shape) { return random_floats(shape, 7, -6.0, 6.0); }

KernelCase integer_conv_case(const ConvShape& c, DType dtype) {
  ModelBuilder b;
  const Tensor x = wide_floats({c.batch, c.channels, c.height, c.width});
  KernelCase out{text_of(c), {}, {x}};
  const ValueId input = b.quantize(b.input("x", DType::kF32, to_dims(x.shape())), "xq", 0.03f, dtype == DType::kU8 ? 93 : -20, dtype);
  const ValueId weight = b.constant("w", weight_of({c.outputs, c.channels / c.group, c.kernel_h, c.kernel_w}, 0, c.patterns));
  const ValueId y = b.add("Relu", "relu", {b.add("Conv", "conv", {input, weight, b.constant("bias", random_floats({c.outputs}, 3))}, attrs_of(c))});
  out.model = b.finish({b.quantize(y, "yq", 0.05f, dtype == DType::kU8 ? 11 : -100, dtype)});
  return out;
}

// Every byte and every weight at an end of its range: the largest sums there are.
struct Extreme {
  DType dtype;
  int32_t zero_point;
  bool high;         // bytes
  int32_t weight;    // as stored
  bool wide = false; // weights are unsigned, with a zero point at the other end: they need 9 bits
};

std::vector<Extreme> extremes() {
  std::vector<Extreme> out;
  for (const bool high : {false, true}) {
    for (const int32_t weight : {-128, 127}) {
      for (const int32_t zero : {0, 255}) out.push_back({DType::kU8, zero, high, weight});
      for (const int32_t zero : {-128, 127}) out.push_back({DType::kI8, zero, high, weight});
    }
    for (const int32_t weight : {0, 255}) out.push_back({DType::kU8, 0, high, weight, true});
  }
  return out;
}

// `op`: Conv, with the weight [outputs, channels, 3, 3], or a product, with [depth, outputs].
KernelCase extreme_case(const std::string& op, const Extreme& e, const Shape& x_shape, const Shape& shape) {
  ModelBuilder b;
  const int64_t axis = op == "Conv" ? 0 : 1, outputs = shape[static_cast<size_t>(axis)];
  Tensor integers(DType::kI32, shape), zeros(DType::kI32, {outputs});
  for (int64_t i = 0; i < integers.numel(); ++i) integers.mutable_data<int32_t>()[i] = e.weight;
  for (int64_t i = 0; i < outputs; ++i) zeros.mutable_data<int32_t>()[i] = e.wide ? 255 - e.weight : 0;
  Encoding encoding;
  encoding.codec = Codec::kAffine;
  encoding.axis = axis;
  encoding.is_signed = !e.wide;
  const EncodedTensor weight = encode_affine(integers, random_floats({outputs}, 6, 0.9, 1.0), e.wide ? zeros : Tensor(), encoding);
  const float end = e.high ? 1e6f : -1e6f;
  const Tensor x = random_floats(x_shape, 7, end, end);
  // No output saturates.
  const float y_scale = 2.6f * 255.0f * static_cast<float>(integers.numel() / outputs);
  const ValueId input = b.quantize(b.input("x", DType::kF32, to_dims(x_shape)), "xq", 1.0f, e.zero_point, e.dtype);
  const Attrs attrs = op == "Conv" ? Attrs{{"pads", std::vector<int64_t>(4, 1)}} : Attrs{};
  const ValueId y = b.add(op, "product", {input, b.constant("w", weight)}, attrs);
  return {fmt("extremes {} zero point {} high {} weight {} wide {}", e.dtype, e.zero_point, e.high, e.weight, e.wide),
          b.finish({b.quantize(y, "yq", y_scale, e.dtype == DType::kU8 ? 128 : 0, e.dtype)}), {x}};
}

std::vector<KernelCase> integer_conv_cases() {
  std::vector<KernelCase> cases;
  for (const ConvShape& shape : conv_shapes()) cases.push_back(integer_conv_case(shape, cases.size() % 3 == 0 ? DType::kI8 : DType::kU8));
  for (const Extreme& e : extremes()) cases.push_back(extreme_case("Conv", e, {1, 65, 3, 7}, {9, 65, 3, 3}));
  return cases;
}

std::vector<KernelCase> integer_product_cases(const std::string& op) {
  std::vector<KernelCase> cases;
  for (const Extreme& e : extremes()) {
    for (int64_t rows : {1, 17}) cases.push_back(extreme_case(op, e, {rows, 515}, {515, 9}));
  }
  std::vector<std::pair<int64_t, int64_t>> sizes = {{1, 1}, {2, 6}, {33, 7}, {64, 97}};
  for (int64_t rows : {1, 2, 15, 16, 17, 33}) {
    if (rows == 17 || rows == 1) {
      for (int64_t tail = 1; tail <= 65; ++tail) sizes.emplace_back(tail, 3);
    } else {
      sizes.resize(4);
    }
    for (const auto& [depth, outputs] : sizes) {
      for (const DType dtype : {DType::kU8, DType::kI8}) {
        ModelBuilder b;
        const Tensor x = wide_floats({rows, depth});
        const ValueId input = b.quantize(b.input("x", DType::kF32, to_dims(x.shape())), "xq", 0.03f, 7, dtype);
        const ValueId y = b.add(op, "product", {input, b.constant("w", weight_of({depth, outputs}, 1))});
        cases.push_back({fmt("[{}, {}] to {}", rows, depth, outputs), b.finish({b.quantize(y, "yq", 0.05f, 3, dtype)}), {x}});
      }
    }
  }
  return cases;
}

std::vector<KernelCase> integer_add_cases() {
  std::vector<KernelCase> cases;
  for (int64_t size = 1; size <= 65; ++size) {
    const DType dtype = size % 2 == 0 ? DType::kU8 : DType::kI8;
    ModelBuilder b;
    const Tensor x = wide_floats({size}), z = random_floats({size}, 8, -6.0, 6.0);
    const ValueId left = b.quantize(b.input("x", DType::kF32, {size}), "xq", 0.03f, 7);
    const ValueId right = b.quantize(b.input("z", DType::kF32, {size}), "zq", 0.02f, -5, DType::kI8);
    cases.push_back({fmt("{} elements", size), b.finish({b.quantize(b.add("Add", "add", {left, right}), "yq", 0.06f, 20, dtype)}), {x, z}});
  }
  return cases;
}

KernelCase pool_case(DType dtype, int64_t size, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad) {
  ModelBuilder b;
  Tensor x = dtype == DType::kF32 ? random_floats({2, 3, size, size + 1}, 1) : random_integers(dtype, {2, 3, size, size + 1}, 1, -128, 255);
  if (dtype == DType::kF32) x.mutable_data<float>()[size] = NAN;
  const auto pair = [](int64_t v) { return std::vector<int64_t>{v, v}; };
  const ValueId y = b.add("MaxPool", "pool", {b.input("x", dtype, to_dims(x.shape()))},
                          {{"kernel_shape", pair(kernel)}, {"strides", pair(stride)}, {"dilations", pair(dilation)}, {"pads", std::vector<int64_t>(4, pad)}});
  return {fmt("{} size {} kernel {} stride {} dilation {} pad {}", dtype, size, kernel, stride, dilation, pad), b.finish({y}), {x}};
}

std::vector<KernelCase> pool_cases() {
  std::vector<KernelCase> cases;
  for (const DType dtype : {DType::kF32, DType::kU8, DType::kI8}) {
    for (int64_t size : {4, 7, 15, 31, 32, 33}) {
      cases.push_back(pool_case(dtype, size, 3, 2, 1, 1));
      cases.push_back(pool_case(dtype, size, 2, 2, 1, 0));
      cases.push_back(pool_case(dtype, size, 3, 1, 1, 1));
      cases.push_back(pool_case(dtype, size, 2, 3, 2, 1));
    }
  }
  return cases;
}

std::vector<KernelCase> quantize_cases() {
  std::vector<KernelCase> cases;
  for (int64_t size = 1; size <= 65; ++size) {
    ModelBuilder b;
    Tensor x = wide_floats({size});
    // Ties, NaN and infinities.
    const std::vector<float> special = {0.25f, 0.75f, -1.25f, NAN, INFINITY, -INFINITY, 3e38f};
    for (size_t i = 0; i < special.size() && static_cast<int64_t>(i) < size; ++i) x.mutable_data<float>()[i] = special[i];
    const DType dtype = size % 2 == 0 ? DType::kU8 : DType::kI8;
    const ValueId y = b.add("QuantizeLinear", "q", {b.input("x", DType::kF32, {size}), b.constant("s", Tensor::scalar(0.5f)),
                                                    b.constant("z", Tensor::scalar<int32_t>(3).to(dtype))});
    cases.push_back({fmt("{} elements", size), b.finish({y}), {x}});
  }
  return cases;
}

// Also the ends of what a float holds, and of where the functions change.
std::vector<KernelCase> function_cases(const std::string& op, const Attrs& attrs = {}) {
  const std::vector<float> special = {0.0f, -0.0f, NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 88.5f, 89.5f, -87.5f, -103.5f, -110.0f,
                                      0.625f, -0.927734375f, 1e-30f, 4.5f, -4.5f};
  std::vector<KernelCase> cases;
  for (int64_t size : {1, 7, 8, 9, 16, 17, 65, 9000}) {
    ModelBuilder b;
    Tensor x = wide_floats({size});
    for (size_t i = 0; i < special.size() && static_cast<int64_t>(i) < size; ++i) x.mutable_data<float>()[i] = special[i];
    cases.push_back({fmt("{} elements", size), b.finish({b.add(op, "function", {b.input("x", DType::kF32, {size})}, attrs)}), {x}});
  }
  return cases;
}

std::vector<KernelCase> gelu_cases() {
  std::vector<KernelCase> cases = function_cases("Gelu");
  for (KernelCase& c : function_cases("Gelu", {{"approximate", std::string("tanh")}})) cases.push_back(std::move(c));
  return cases;
}

std::vector<KernelCase> softmax_cases() {
  std::vector<KernelCase> cases;
  for (int64_t width : {1, 7, 8, 9, 17, 128, 300}) {
    ModelBuilder b;
    Tensor x = random_floats({90, width}, 1, -30.0, 30.0);
    // Masked elements, and a row of nothing else.
    for (int64_t i = 0; i < width; ++i) x.mutable_data<float>()[i] = -INFINITY;
    x.mutable_data<float>()[2 * width - 1] = -INFINITY;
    x.mutable_data<float>()[3 * width - 1] = NAN;
    cases.push_back({fmt("width {}", width), b.finish({b.add("Softmax", "softmax", {b.input("x", DType::kF32, to_dims(x.shape()))})}), {x}});
  }
  return cases;
}

std::vector<KernelCase> norm_cases(const std::string& op) {
  std::vector<KernelCase> cases;
  for (int64_t width : {1, 7, 8, 9, 17, 128, 300}) {
    // Rows far from zero: the mean must not cost the digits of the differences.
    for (const float shift : {0.0f, 1000.0f}) {
      ModelBuilder b;
      Tensor x = random_floats({90, width}, 1);
      for (int64_t i = 0; i < x.numel(); ++i) x.mutable_data<float>()[i] += shift;
      std::vector<ValueId> ids = {b.input("x", DType::kF32, to_dims(x.shape())), b.constant("scale", random_floats({width}, 2))};
      if (op == "LayerNormalization") ids.push_back(b.constant("bias", random_floats({width}, 3)));
      cases.push_back({fmt("width {} shift {}", width, shift), b.finish({b.add(op, "norm", ids)}), {x}});
    }
  }
  return cases;
}

}  // namespace

const std::map<std::string, KernelCases>& kernel_cases() {
  static const std::map<std::string, KernelCases> lists = {
      {"Conv", [] { return conv_cases(false); }},
      {"pare.plan.FusedConv", [] { return conv_cases(true); }},
      {"Gemm", gemm_cases},
      {"MatMul", matmul_cases},
      {"pare.plan.QLinearConv", integer_conv_cases},
      {"pare.plan.QLinearGemm", [] { return integer_product_cases("Gemm"); }},
      {"pare.plan.QLinearMatMul", [] { return integer_product_cases("MatMul"); }},
      {"pare.plan.QLinearAdd", integer_add_cases},
      {"MaxPool", pool_cases},
      {"QuantizeLinear", quantize_cases},
      {"Exp", [] { return function_cases("Exp"); }},
      {"Sigmoid", [] { return function_cases("Sigmoid"); }},
      {"pare.Silu", [] { return function_cases("pare.Silu"); }},
      {"Tanh", [] { return function_cases("Tanh"); }},
      {"Erf", [] { return function_cases("Erf"); }},
      {"Gelu", gelu_cases},
      {"Softmax", softmax_cases},
      {"LayerNormalization", [] { return norm_cases("LayerNormalization"); }},
      {"RMSNormalization", [] { return norm_cases("RMSNormalization"); }},
  };
  return lists;
}

}  // namespace pare::test
