#include "core/zoo/builder.h"

#include <algorithm>
#include <cmath>

#include "core/graph/op.h"

namespace pare {

ZooBuilder::ZooBuilder(const std::string& name, const ZooOptions& options)
    : initialise_(options.initialise), rng_(Rng(static_cast<uint64_t>(options.seed)).fork("zoo")) {
  model_.graph.name = name;
}

ValueId ZooBuilder::input_image(int64_t channels, int64_t size) {
  return model_.graph.add_input("input", DType::kF32, {Dim::symbol("N"), channels, size, size});
}

ValueId ZooBuilder::constant(const std::string& name, Role role, Tensor tensor) {
  const ValueId id = model_.graph.add_constant(name, role, tensor.dtype(), tensor.shape());
  model_.constants.set(name, std::move(tensor));
  return id;
}

ValueId ZooBuilder::weight(const std::string& name, const Shape& shape, WeightInit init) {
  Tensor tensor(DType::kF32, shape);
  const int64_t field = numel_of(Shape(shape.begin() + 1, shape.end())) / std::max<int64_t>(shape[1], 1);
  const auto fan_in = static_cast<double>(shape[1] * field), fan_out = static_cast<double>(shape[0] * field);
  Rng rng = rng_.fork(name);
  float* out = tensor.mutable_data<float>();
  for (int64_t i = 0; initialise_ && i < tensor.numel(); ++i) {
    double value = 0;
    switch (init.kind) {
      case WeightInit::Kind::kHeFanOut: value = rng.normal() * std::sqrt(2.0 / fan_out); break;
      case WeightInit::Kind::kHeFanIn: value = rng.normal() * std::sqrt(2.0 / fan_in); break;
      case WeightInit::Kind::kUniformFanIn: value = (2.0 * rng.uniform() - 1.0) / std::sqrt(fan_in); break;
      case WeightInit::Kind::kNormal: value = rng.normal() * init.std; break;
    }
    out[i] = static_cast<float>(value);
  }
  return constant(name, Role::kParameter, std::move(tensor));
}

ValueId ZooBuilder::filled(const std::string& name, Role role, int64_t size, float value) {
  Tensor tensor(DType::kF32, {size});
  if (initialise_) std::fill_n(tensor.mutable_data<float>(), size, value);
  return constant(name, role, std::move(tensor));
}

ValueId ZooBuilder::literal(const std::string& name, float value) {
  return constant(name, Role::kLiteral, Tensor::scalar(value));
}

ValueId ZooBuilder::bias(const std::string& name, int64_t size, int64_t fan_in) {
  if (zero_bias) return filled(name, Role::kParameter, size, 0.0f);
  Tensor tensor(DType::kF32, {size});
  Rng rng = rng_.fork(name);
  const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
  float* out = tensor.mutable_data<float>();
  for (int64_t i = 0; initialise_ && i < size; ++i) out[i] = static_cast<float>((2.0 * rng.uniform() - 1.0) * bound);
  return constant(name, Role::kParameter, std::move(tensor));
}

ValueId ZooBuilder::conv(const std::string& name, ValueId x, const ConvSpec& s) {
  const Shape shape = {s.out, s.in / s.groups, s.kernel, s.kernel};
  std::vector<ValueId> inputs = {x, weight(name + ".weight", shape, conv_init)};
  if (s.bias) inputs.push_back(bias(name + ".bias", s.out, s.in / s.groups * s.kernel * s.kernel));
  Attrs attrs = {{"strides", std::vector<int64_t>{s.stride, s.stride}}, {"pads", std::vector<int64_t>(4, s.pad)}};
  if (s.groups != 1) attrs.set("group", s.groups);
  return add("Conv", name, std::move(inputs), std::move(attrs));
}

ValueId ZooBuilder::batch_norm(const std::string& name, ValueId x, int64_t channels) {
  const ValueId scale = filled(name + ".weight", Role::kParameter, channels, 1.0f);
  const ValueId shift = filled(name + ".bias", Role::kParameter, channels, 0.0f);
  const ValueId mean = filled(name + ".running_mean", Role::kBuffer, channels, 0.0f);
  const ValueId variance = filled(name + ".running_var", Role::kBuffer, channels, 1.0f);
  return add("BatchNormalization", name, {x, scale, shift, mean, variance}, {{"epsilon", 1e-5}, {"momentum", 0.9}});
}

ValueId ZooBuilder::layer_norm(const std::string& name, ValueId x, int64_t width, double epsilon) {
  const ValueId scale = filled(name + ".weight", Role::kParameter, width, 1.0f);
  const ValueId shift = filled(name + ".bias", Role::kParameter, width, 0.0f);
  return add("LayerNormalization", name, {x, scale, shift}, {{"axis", int64_t{-1}}, {"epsilon", epsilon}});
}

ValueId ZooBuilder::linear(const std::string& name, ValueId x, int64_t in, int64_t out) {
  const ValueId w = weight(name + ".weight", {out, in}, linear_init);
  const ValueId b = bias(name + ".bias", out, in);
  return add("Gemm", name, {x, w, b}, {{"transB", int64_t{1}}});
}

ValueId ZooBuilder::max_pool(const std::string& name, ValueId x, int64_t kernel, int64_t stride, int64_t pad) {
  return add("MaxPool", name, {x},
             {{"kernel_shape", std::vector<int64_t>{kernel, kernel}},
              {"strides", std::vector<int64_t>{stride, stride}},
              {"pads", std::vector<int64_t>(4, pad)}});
}

ValueId ZooBuilder::pooled_head(const std::string& name, ValueId x, int64_t in, int64_t classes) {
  x = add("GlobalAveragePool", "avgpool", {x});
  x = add("Flatten", "flatten", {x}, {{"axis", int64_t{1}}});
  return linear(name, x, in, classes);
}

GraphWithConstants ZooBuilder::finish(ValueId output) {
  model_.graph.set_outputs({output});
  const OpTable ops = builtin_ops();
  infer_shapes(model_.graph, model_.constants, ops);
  verify(model_.graph, model_.constants, ops);
  return std::move(model_);
}

}  // namespace pare
