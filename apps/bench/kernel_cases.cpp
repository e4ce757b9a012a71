#include "apps/bench/kernel_cases.h"

#include "core/base/rng.h"

namespace pare::bench {

Tensor random_floats(const Shape& shape, uint64_t seed) {
  Tensor out(DType::kF32, shape);
  Rng rng(seed);
  for (int64_t i = 0; i < out.numel(); ++i)
    out.mutable_data<float>()[i] = static_cast<float>(rng.uniform() * 2.0 - 1.0);
  return out;
}

namespace {

// Leaves `kept` of the 3x3 kernels, and these one of eight patterns of four elements, both drawn: trained ones have longer
// and shorter runs.
template <class T>
void keep_patterns(Tensor& weight, double kept) {
  if (kept >= kAll) return;
  constexpr int kPatterns[] = {184, 58, 178, 154, 27, 54, 216, 432};
  Rng rng(7);
  T* kernel = weight.mutable_data<T>();
  for (int64_t k = 0; k < weight.numel() / 9; ++k, kernel += 9) {
    const int pattern = rng.uniform() < kept ? kPatterns[rng.below(8)] : 0;
    for (int i = 0; i < 9; ++i)
      if ((pattern >> i & 1) == 0) kernel[i] = T{0};
  }
}

EncodedTensor random_int8(const Shape& shape, double kept) {
  Tensor q(DType::kI32, shape);
  Rng rng(3);
  for (int64_t i = 0; i < q.numel(); ++i) q.mutable_data<int32_t>()[i] = static_cast<int32_t>(rng.below(255)) - 127;
  keep_patterns<int32_t>(q, kept);
  Encoding encoding;
  encoding.codec = Codec::kAffine;
  encoding.axis = 0;
  return encode_affine(q, Tensor::of(std::vector<float>(static_cast<size_t>(shape[0]), 0.01f), {shape[0]}), {},
                       encoding);
}

class Builder {
 public:
  explicit Builder(const Shape& input) { x_ = model_.graph.add_input("x", DType::kF32, to_dims(input)); }
  ValueId x() const { return x_; }
  ValueId constant(const std::string& name, const EncodedTensor& tensor) {
    model_.constants[name] = tensor;
    return model_.graph.add_constant(name, Role::kParameter, tensor.dtype, tensor.shape);
  }
  ValueId add(const std::string& op, const std::string& name, std::vector<ValueId> inputs, Attrs attrs = {}) {
    return model_.graph.add(op, name, std::move(inputs), std::move(attrs));
  }
  ValueId quantize(ValueId x, const std::string& name, float scale) {
    const ValueId s = constant(name + ".scale", encode_raw(Tensor::scalar(scale)));
    const ValueId z = constant(name + ".zero_point", encode_raw(Tensor::scalar<uint8_t>(128)));
    return add("DequantizeLinear", name + ".dq", {add("QuantizeLinear", name + ".q", {x, s, z}), s, z});
  }
  FrozenModel finish(ValueId y) {
    model_.graph.set_outputs({y});
    return std::move(model_);
  }

 private:
  FrozenModel model_;
  ValueId x_ = kNoValue;
};

// Constant operands behind the first.
std::vector<ValueId> operands(Builder& b, const LayerSpec& spec) {
  const Shape channels = {spec.x.size() > 1 ? spec.x[1] : 1};
  if (!spec.w.empty() && spec.integer) return {b.constant("w", random_int8(spec.w, spec.kept))};
  if (!spec.w.empty()) {
    Tensor weight = random_floats(spec.w, 2);
    keep_patterns<float>(weight, spec.kept);
    return {b.constant("w", encode_raw(weight))};
  }
  if (spec.op == "Add" || spec.op == "Mul") return {b.constant("w", encode_raw(random_floats(spec.x, 2)))};
  if (spec.op == "QuantizeLinear") {
    return {b.constant("scale", encode_raw(Tensor::scalar(0.01f))),
            b.constant("zero_point", encode_raw(Tensor::scalar<uint8_t>(128)))};
  }
  if (spec.op != "BatchNormalization") return {};
  std::vector<ValueId> out;
  for (const char* name : {"scale", "bias", "mean", "var"})
    out.push_back(
        b.constant(name, encode_raw(Tensor::of(std::vector<float>(static_cast<size_t>(channels[0]), 1.0f), channels))));
  return out;
}

KernelCase layer(const std::string& name, const LayerSpec& spec) {
  return {name + (spec.integer ? " int8" : " fp32"), spec.integer ? "pare.plan.QLinear" + spec.op : spec.op,
          layer_model(spec), random_floats(spec.x, 1)};
}

// Kernel patterns at 2.25, 4.5 and 8 times fewer weights, drawn instead of trained.
void add_pattern_cases(bool integer, std::vector<KernelCase>& cases) {
  struct Shape3x3 {
    int64_t in, out, size;
  };
  for (const auto& [kept, factor] : {std::pair{1.0, "2.25"}, {0.5, "4.5"}, {0.28, "8"}}) {
    for (const Shape3x3& s : {Shape3x3{64, 64, 56}, {128, 128, 28}, {256, 256, 14}, {512, 512, 7}, {256, 256, 56},
                              {512, 512, 14}, {32, 32, 16}, {64, 64, 8}}) {
      cases.push_back(layer(fmt("patterns (random) {}x fewer weights 3x3 {}->{}@{}", factor, s.in, s.out, s.size),
                            {"Conv",
                             {1, s.in, s.size, s.size},
                             {s.out, s.in, 3, 3},
                             {{"pads", std::vector<int64_t>(4, 1)}},
                             integer,
                             "",
                             kept}));
    }
  }
}

}  // namespace

FrozenModel layer_model(const LayerSpec& spec) {
  Builder b(spec.x);
  ValueId y = spec.integer ? b.quantize(b.x(), "xq", 0.01f) : b.x();
  std::vector<ValueId> inputs = {y};
  for (const ValueId id : operands(b, spec)) inputs.push_back(id);
  y = b.add(spec.op, "layer", inputs, spec.attrs);
  if (!spec.after.empty()) y = b.add(spec.after, "after", {y});
  if (spec.integer) y = b.quantize(y, "yq", 0.5f);
  return b.finish(y);
}

std::vector<KernelCase> kernel_cases() {
  struct ConvShape {
    int64_t in, out, size, kernel, stride;
  };
  constexpr ConvShape kShapes[] = {
      {64, 64, 56, 3, 1},  {128, 128, 28, 3, 1}, {256, 256, 14, 3, 1}, {512, 512, 7, 3, 1}, {128, 128, 56, 3, 2},
      {64, 256, 56, 1, 1}, {512, 128, 28, 1, 1}, {16, 16, 32, 3, 1},   {32, 32, 16, 3, 1},  {64, 64, 8, 3, 1}};
  std::vector<KernelCase> cases;
  for (const bool integer : {false, true}) {
    add_pattern_cases(integer, cases);
    for (const ConvShape& s : kShapes) {
      const int64_t pad = s.kernel / 2;
      cases.push_back(
          layer(fmt("conv {}x{} {}->{}@{}/{}", s.kernel, s.kernel, s.in, s.out, s.size, s.stride),
                {"Conv",
                 {1, s.in, s.size, s.size},
                 {s.out, s.in, s.kernel, s.kernel},
                 {{"strides", std::vector<int64_t>{s.stride, s.stride}}, {"pads", std::vector<int64_t>(4, pad)}},
                 integer,
                 ""}));
    }
    for (const int64_t rows : {1, 128}) {
      cases.push_back(layer(fmt("gemm {}x768 * 768x3072", rows),
                            {"Gemm", {rows, 768}, {3072, 768}, {{"transB", int64_t{1}}}, integer, ""}));
    }
  }
  return cases;
}

}  // namespace pare::bench
