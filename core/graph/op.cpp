#include "core/graph/op.h"

namespace pare {
namespace {

// Contents of larger integer tensors are data (labels, tables), not shapes.
constexpr int64_t kMaxContents = 64;

std::string label(const Node& node) { return fmt("{} \"{}\"", node.op, node.name); }

}  // namespace

const DimShape& InferContext::shape(size_t i) const {
  if (!has_input(i)) fail(fmt("input {} is absent", i));
  const Value& value = graph_.value(node_.inputs[i]);
  if (!value.shape) fail(fmt("the shape of input \"{}\" is unknown", value.name));
  return *value.shape;
}

DType InferContext::dtype(size_t i) const {
  if (!has_input(i)) fail(fmt("input {} is absent", i));
  return graph_.value(node_.inputs[i]).dtype;
}

const DimShape* InferContext::contents(size_t i) const {
  if (!has_input(i)) return nullptr;
  const auto it = contents_.find(node_.inputs[i]);
  return it == contents_.end() ? nullptr : &it->second;
}

void InferContext::set(size_t output, DimShape shape, DType dtype) {
  if (results.size() < node_.outputs.size()) results.resize(node_.outputs.size());
  if (output >= results.size()) return;
  results[output].shape = std::move(shape);
  results[output].dtype = dtype;
}

void InferContext::set_contents(size_t output, DimShape contents) {
  if (output < results.size() && static_cast<int64_t>(contents.size()) <= kMaxContents)
    results[output].contents = std::move(contents);
}

void InferContext::fail(const std::string& text) const { throw ModelError(fmt("[{}] {}", label(node_), text)); }

const OpDef* OpTable::find(const std::string& name) const {
  const auto it = map_.find(name);
  return it == map_.end() ? nullptr : &it->second;
}

const OpDef& OpTable::get(const std::string& name) const {
  if (const OpDef* def = find(name)) return *def;
  std::vector<std::string> names;
  for (const auto& entry : map_) names.push_back(entry.first);
  throw ModelError(fmt("[operators] unknown operator \"{}\".{}", name, did_you_mean(name, names)));
}

namespace {

void check_attrs(const Node& node, const OpDef& def) {
  for (const auto& [name, attr] : node.attrs.map()) {
    const AttrSpec* spec = nullptr;
    std::vector<std::string> names;
    for (const auto& candidate : def.attrs) {
      names.emplace_back(candidate.name);
      if (name == candidate.name) spec = &candidate;
    }
    PARE_CHECK(spec, ModelError, "[{}] unknown attribute \"{}\".{}", label(node), name, did_you_mean(name, names));
    const bool whole_number = spec->type == AttrType::kFloat && std::holds_alternative<int64_t>(attr);
    PARE_CHECK(static_cast<size_t>(spec->type) == attr.index() || whole_number, ModelError,
               "[{}] attribute \"{}\" has the wrong type", label(node), name);
  }
  for (const auto& spec : def.attrs)
    PARE_CHECK(!spec.required || node.attrs.has(spec.name), ModelError, "[{}] attribute \"{}\" is required but absent",
               label(node), spec.name);
}

void check_arity(const Node& node, const OpDef& def) {
  const int inputs = static_cast<int>(node.inputs.size());
  PARE_CHECK(inputs >= def.min_inputs && (def.max_inputs < 0 || inputs <= def.max_inputs), ModelError,
             "[{}] expected {} to {} inputs, got {}", label(node), def.min_inputs,
             def.max_inputs < 0 ? std::string("any number of") : std::to_string(def.max_inputs), inputs);
  for (int i = 0; i < def.min_inputs; ++i)
    PARE_CHECK(node.inputs[static_cast<size_t>(i)] != kNoValue, ModelError, "[{}] input {} is required but absent",
               label(node), i);
  PARE_CHECK(def.outputs < 0 || static_cast<int>(node.outputs.size()) == def.outputs, ModelError,
             "[{}] expected {} outputs, got {}", label(node), def.outputs, node.outputs.size());
}

void check_node(const Node& node, const OpTable& ops) {
  const OpDef* def = ops.find(node.op);
  if (!def) {
    std::vector<std::string> names;
    for (const auto& entry : ops.map()) names.push_back(entry.first);
    throw ModelError(fmt("[{}] unknown operator.{}", label(node), did_you_mean(node.op, names)));
  }
  check_arity(node, *def);
  check_attrs(node, *def);
}

}  // namespace

std::map<ValueId, DimShape> infer_contents(Graph& graph, const ConstantStore& constants, const OpTable& ops) {
  std::map<ValueId, DimShape> contents;
  for (ValueId id : graph.values()) {
    const Value& value = graph.value(id);
    if (!value.is_constant() || (value.dtype != DType::kI64 && value.dtype != DType::kI32)) continue;
    if (!constants.has(value.name)) continue;
    const Tensor& tensor = constants.get(value.name);
    if (tensor.rank() <= 1 && tensor.numel() <= kMaxContents) contents[id] = to_dims(tensor.to_ints());
  }
  for (NodeId n : graph.order()) {
    const Node& node = graph.node(n);
    check_node(node, ops);
    InferContext context(graph, node, &constants, contents);
    context.results.resize(node.outputs.size());
    try {
      ops.get(node.op).infer(context);
    } catch (const ModelError& error) {
      const std::string text = error.what();
      if (text.rfind('[' + label(node), 0) == 0) throw;
      context.fail(text);
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      Value& output = graph.value(node.outputs[i]);
      auto& result = context.results[i];
      if (!result.shape) context.fail(fmt("the shape of output {} cannot be inferred", i));
      output.shape = std::move(result.shape);
      output.dtype = result.dtype;
      if (result.contents) contents[output.id] = std::move(*result.contents);
    }
  }
  return contents;
}

void infer_shapes(Graph& graph, const ConstantStore& constants, const OpTable& ops) {
  infer_contents(graph, constants, ops);
}

void verify(const Graph& graph, const ConstantStore& constants, const OpTable& ops) {
  graph.verify_structure();
  for (NodeId n : graph.order()) check_node(graph.node(n), ops);
  for (ValueId id : graph.values()) {
    const Value& value = graph.value(id);
    if (!value.is_constant()) continue;
    const Tensor& tensor = constants.get(value.name);
    PARE_CHECK(tensor.dtype() == value.dtype, ModelError, "[constant {}] expected element type {}, got {}", value.name,
               value.dtype, tensor.dtype());
    PARE_CHECK(value.shape && *value.shape == to_dims(tensor.shape()), ModelError,
               "[constant {}] expected shape {}, got {}", value.name, value.shape.value_or(DimShape{}), tensor.shape());
  }
}

}  // namespace pare
