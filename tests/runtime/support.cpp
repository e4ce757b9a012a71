#include "tests/runtime/support.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "gtest/gtest.h"

namespace pare::test {

Tensor random_floats(const Shape& shape, uint64_t seed, double low, double high) {
  Tensor out(DType::kF32, shape);
  Rng rng(seed);
  float* to = out.mutable_data<float>();
  for (int64_t i = 0; i < out.numel(); ++i) to[i] = static_cast<float>(low + (high - low) * rng.uniform());
  return out;
}

Tensor random_integers(DType dtype, const Shape& shape, uint64_t seed, int64_t low, int64_t high) {
  Rng rng(seed);
  std::vector<int64_t> values(static_cast<size_t>(numel_of(shape)));
  for (int64_t& value : values) value = low + static_cast<int64_t>(rng.below(static_cast<uint64_t>(high - low + 1)));
  return Tensor::of(values, shape).to(dtype);
}

Tensor with_patterns(const Tensor& weight) {
  constexpr int kPatterns[] = {184, 54, 432, 0};  // the last one: no element at all
  Tensor out = weight.clone();
  const Tensor draw = random_integers(DType::kI32, {weight.numel() / 9}, 11, 0, 5);
  const auto size = static_cast<size_t>(size_of(weight.dtype()));
  for (int64_t i = 0; i < weight.numel(); ++i) {
    const int pattern = kPatterns[std::min(draw.data<int32_t>()[i / 9], 3)];
    if ((pattern >> (i % 9) & 1) == 0) std::memset(out.mutable_bytes() + static_cast<size_t>(i) * size, 0, size);
  }
  return out;
}

ValueId ModelBuilder::input(const std::string& name, DType dtype, const DimShape& shape) {
  return model.graph.add_input(name, dtype, shape);
}

ValueId ModelBuilder::constant(const std::string& name, const Tensor& tensor) {
  return constant(name, encode_raw(tensor));
}

ValueId ModelBuilder::constant(const std::string& name, const EncodedTensor& encoded) {
  model.constants[name] = encoded;
  return model.graph.add_constant(name, Role::kParameter, encoded.dtype, encoded.shape);
}

ValueId ModelBuilder::add(const std::string& op, const std::string& name, std::vector<ValueId> inputs, Attrs attrs) {
  return model.graph.add(op, name, std::move(inputs), std::move(attrs));
}

ValueId ModelBuilder::quantize(ValueId x, const std::string& name, float scale, int32_t zero_point, DType dtype) {
  const ValueId s = constant(name + ".scale", Tensor::scalar(scale));
  const ValueId z = constant(name + ".zero_point", Tensor::scalar<int32_t>(zero_point).to(dtype));
  return add("DequantizeLinear", name + ".dq", {add("QuantizeLinear", name + ".q", {x, s, z}), s, z});
}

FrozenModel ModelBuilder::finish(std::vector<ValueId> outputs) {
  model.graph.set_outputs(std::move(outputs));
  return std::move(model);
}

std::vector<Tensor> run_node(const std::string& op, const std::vector<Operand>& operands, const Attrs& attrs, int outputs,
                             int threads) {
  ModelBuilder b;
  std::vector<ValueId> ids;
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < operands.size(); ++i) {
    const Tensor& tensor = operands[i].tensor;
    const std::string name = "operand" + std::to_string(i);
    if (!tensor.defined()) {
      ids.push_back(kNoValue);
    } else if (operands[i].constant) {
      ids.push_back(b.constant(name, tensor));
    } else {
      ids.push_back(b.input(name, tensor.dtype(), to_dims(tensor.shape())));
      inputs.push_back(tensor);
    }
  }
  const NodeId node = b.model.graph.add_node(op, "node", ids, attrs, outputs);
  const std::vector<ValueId> results = b.model.graph.node(node).outputs;
  ExecutorOptions options;
  options.threads = threads;
  options.thread_nanoseconds = 0;  // all of them, also for small kernels
  return Executor(b.finish(results), options).run(inputs);
}

double relative_error(const Tensor& a, const std::vector<double>& b) {
  const std::vector<double> values = a.to_doubles();
  EXPECT_EQ(values.size(), b.size());
  double worst = 0.0;
  for (size_t i = 0; i < std::min(values.size(), b.size()); ++i) {
    worst = std::max(worst, std::fabs(values[i] - b[i]) / (1.0 + std::fabs(b[i])));
  }
  return worst;
}

}  // namespace pare::test
