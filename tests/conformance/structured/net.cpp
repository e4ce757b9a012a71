#include "tests/conformance/structured/net.h"

#include <cmath>

namespace pare::test {

ValueId Net::input(const Shape& rest) {
  DimShape shape{Dim::symbol("N")};
  for (int64_t size : rest) shape.emplace_back(size);
  return model.graph.add_input(fmt("input{}", count_++), DType::kF64, shape);
}

ValueId Net::tokens(int64_t length) {
  return model.graph.add_input(fmt("tokens{}", count_++), DType::kI64, {Dim::symbol("N"), length});
}

ValueId Net::param(const Shape& shape, double scale, double mean, Role role) {
  std::normal_distribution<double> normal(mean, scale);
  std::vector<double> values(static_cast<size_t>(numel_of(shape)));
  for (double& value : values) value = normal(random_);
  const std::string name = fmt("p{}", count_++);
  model.constants.set(name, Tensor::of<double>(values, shape));
  return model.graph.add_constant(name, role, DType::kF64, shape);
}

ValueId Net::literal(const Tensor& tensor) {
  const std::string name = fmt("literal{}", count_++);
  model.constants.set(name, tensor);
  return model.graph.add_constant(name, Role::kLiteral, tensor.dtype(), tensor.shape());
}

std::vector<ValueId> Net::ops(const std::string& op, std::vector<ValueId> inputs, Attrs attrs, int outputs) {
  Graph& graph = model.graph;
  const NodeId id = graph.add_node(op, fmt("{}{}", op, count_++), std::move(inputs), std::move(attrs), outputs);
  const Node& node = graph.node(id);
  const std::map<ValueId, DimShape> contents;
  InferContext context(graph, node, &model.constants, contents);
  ops_.get(op).infer(context);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    graph.value(node.outputs[i]).shape = context.results.at(i).shape;
    graph.value(node.outputs[i]).dtype = context.results.at(i).dtype;
  }
  return node.outputs;
}

std::vector<ValueId> Net::split(ValueId x, const std::vector<int64_t>& sizes, int64_t axis) {
  return ops("Split", {x}, {{"axis", axis}, {"split", sizes}}, static_cast<int>(sizes.size()));
}

ValueId Net::conv(ValueId x, int64_t out, int64_t kernel, int64_t group, bool bias) {
  const int64_t in = size(x, 1) / group;
  std::vector<ValueId> inputs{x, param({out, in, kernel, kernel}, 1.0 / std::sqrt(static_cast<double>(in * kernel * kernel)))};
  if (bias) inputs.push_back(param({out}, 0.5));
  return op("Conv", inputs, {{"group", group}, {"pads", std::vector<int64_t>(4, kernel / 2)}});
}

ValueId Net::conv_transpose(ValueId x, int64_t out, int64_t group) {
  const int64_t in = size(x, 1);
  return op("ConvTranspose",
            {x, param({in, out / group, 3, 3}, 0.3 / std::sqrt(static_cast<double>(in / group))), param({out}, 0.5)},
            {{"group", group}, {"pads", std::vector<int64_t>(4, 1)}});
}

ValueId Net::norm(ValueId x, const std::string& name, int64_t groups) {
  const int64_t channels = size(x, 1);
  std::vector<ValueId> inputs{x, param({channels}, 0.3, 1.0), param({channels}, 0.5)};
  Attrs attrs;
  if (name == "BatchNormalization") {
    inputs.push_back(param({channels}, 0.3, 0.0, Role::kBuffer));
    inputs.push_back(param({channels}, 0.05, 1.0, Role::kBuffer));
  }
  if (name == "GroupNormalization") attrs.set("num_groups", groups);
  return op(name, inputs, attrs);
}

ValueId Net::layer_norm(ValueId x, bool centred) {
  const Shape width{size(x, -1)};
  if (centred) return op("LayerNormalization", {x, param(width, 0.3, 1.0), param(width, 0.5)});
  return op("RMSNormalization", {x, param(width, 0.3, 1.0)}, {{"epsilon", 0.05}});
}

ValueId Net::gemm(ValueId x, int64_t out, bool bias) {
  const int64_t in = size(x, 1);
  std::vector<ValueId> inputs{x, param({out, in}, 1.0 / std::sqrt(static_cast<double>(in)))};
  if (bias) inputs.push_back(param({out}, 0.5));
  return op("Gemm", inputs, {{"transB", int64_t{1}}});
}

ValueId Net::linear(ValueId x, int64_t out, bool bias) {
  const int64_t in = size(x, -1);
  const ValueId y = op("MatMul", {x, param({in, out}, 1.0 / std::sqrt(static_cast<double>(in)))});
  return bias ? op("Add", {y, param({out}, 0.5)}) : y;
}

ValueId Net::slice(ValueId x, int64_t axis, int64_t start, int64_t end, int64_t step) {
  using List = std::vector<int64_t>;
  return op("Slice", {x}, {{"starts", List{start}}, {"ends", List{end}}, {"axes", List{axis}}, {"steps", List{step}}});
}

ValueId Net::reshape(ValueId x, std::vector<int64_t> shape) { return op("Reshape", {x}, {{"shape", std::move(shape)}}); }

ValueId Net::pad(ValueId x, int64_t axis, int64_t before, int64_t after, double value) {
  std::vector<int64_t> pads(static_cast<size_t>(2 * rank(x)), 0);
  pads[static_cast<size_t>(axis)] = before;
  pads[static_cast<size_t>(axis + rank(x))] = after;
  return op("Pad", {x}, {{"pads", pads}, {"value", value}});
}

ValueId Net::head(ValueId x, int64_t classes) {
  return gemm(op("Flatten", {op("GlobalAveragePool", {x})}), classes);
}

GraphWithConstants Net::finish(std::vector<ValueId> outputs) {
  model.graph.set_outputs(std::move(outputs));
  infer_shapes(model.graph, model.constants, ops_);
  verify(model.graph, model.constants, ops_);
  return std::move(model);
}

}  // namespace pare::test
