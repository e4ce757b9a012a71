#include "core/import/onnx_raise.h"

namespace pare::onnx {
namespace {

// Behind 21, the graph's own opset, the rules' operators took on element types and a few attributes, which the rules check.
constexpr int64_t kMinOpset = 11, kMaxOpset = 28;

DimShape dims_of(const ValueInfo& info) {
  DimShape out;
  for (size_t i = 0; i < info.shape->size(); ++i) {
    const Extent& extent = (*info.shape)[i];
    if (const auto* number = std::get_if<int64_t>(&extent); number && *number >= 0) {
      out.emplace_back(*number);
    } else {
      const auto* name = std::get_if<std::string>(&extent);
      out.push_back(Dim::symbol(name && !name->empty() ? *name : fmt("{}_dim{}", info.name, i)));
    }
  }
  return out;
}

// "[where] text" -> "text", so that lists of reasons stay readable.
std::string bare(const std::string& text) {
  const size_t end = text.rfind('[', 0) == 0 ? text.find("] ") : std::string::npos;
  return end == std::string::npos ? text : text.substr(end + 2);
}

bool is_half(DType dtype) { return dtype == DType::kF16 || dtype == DType::kBF16; }

ValueId cast_to(Graph& graph, const std::string& name, ValueId id, DType dtype) {
  return graph.add("Cast", graph.free_name(name + "/Cast"), {id}, {{"to", std::string(name_of(dtype))}});
}

}  // namespace

EncodedTensor stored(const Tensor& tensor) {
  if (!is_half(tensor.dtype())) return encode_raw(tensor);
  return encode(tensor.to(DType::kF32), {.codec = tensor.dtype() == DType::kF16 ? Codec::kF16 : Codec::kBF16});
}

Raiser::Raiser(const Model& model, const OpTable& ops, std::string where)
    : model_(model), ops_(ops), where_(std::move(where)) {
  const auto found = model.opsets.find("");
  opset_ = found == model.opsets.end() ? 0 : found->second;
  PARE_CHECK(opset_ >= kMinOpset && opset_ <= kMaxOpset, ModelError,
             "[onnx {}] expected an opset from {} to {}, got {}. Convert the model (in Python: onnx.version_converter)",
             where_, kMinOpset, kMaxOpset, opset_);
  if (!model.graph_name.empty()) out_.graph.name = model.graph_name;
  for (const auto& [name, tensor] : model.initializers) known_.emplace(name, stored(tensor));
  for (const auto& node : model.nodes) used_.insert(node.inputs.begin(), node.inputs.end());
  for (const auto& info : model.outputs) used_.insert(info.name);
}

// Files of old IR versions list initializers as inputs, too.
void Raiser::add_inputs() {
  for (const auto& info : model_.inputs) {
    if (known_.count(info.name)) continue;
    PARE_CHECK(info.shape, ModelError, "[onnx {}] expected a shape for input \"{}\"", where_, info.name);
    PARE_CHECK(!values_.count(info.name), ModelError, "[onnx {}] expected inputs with unique names, got \"{}\" twice",
               where_, info.name);
    const ValueId id = out_.graph.add_input(info.name, info.dtype, dims_of(info));
    values_[info.name] = is_half(info.dtype) ? cast_to(out_.graph, info.name, id, DType::kF32) : id;
  }
}

ValueId Raiser::constant_value(const std::string& name) {
  const EncodedTensor& encoded = known_.at(name);
  const std::string own = out_.graph.free_name(name);
  const ValueId id = out_.graph.add_constant(own, Role::kLiteral, encoded.dtype, encoded.shape);
  out_.constants.emplace(own, encoded);
  if (!is_float(encoded.dtype)) integers_.set(own, decode(encoded));
  return values_[name] = id;
}

ValueId Raiser::input(const Node& node, size_t i) {
  if (!node.has_input(i)) return kNoValue;
  const std::string& name = node.inputs[i];
  if (const auto found = values_.find(name); found != values_.end()) return found->second;
  PARE_CHECK(known_.count(name), ModelError, "its input \"{}\" is not computed before it", name);
  return constant_value(name);
}

std::vector<ValueId> Raiser::inputs(const Node& node, size_t count) {
  std::vector<ValueId> out;
  for (size_t i = 0; i < std::min(count, node.inputs.size()); ++i) out.push_back(input(node, i));
  while (!out.empty() && out.back() == kNoValue) out.pop_back();
  return out;
}

bool Raiser::is_constant(const Node& node, size_t i) const {
  return !node.has_input(i) || known_.count(node.inputs[i]);
}

const Tensor* Raiser::constant(const Node& node, size_t i) {
  if (!node.has_input(i)) return nullptr;
  const std::string& name = node.inputs[i];
  const auto found = known_.find(name);
  PARE_CHECK(found != known_.end(), ModelError, "input {} (\"{}\") must be a constant", i, name);
  const auto [decoded, fresh] = decoded_.try_emplace(name);
  if (fresh) decoded->second = decode(found->second);
  return &decoded->second;
}

DimShape Raiser::shape(const Node& node, size_t i) {
  const ValueId id = input(node, i);
  PARE_CHECK(id != kNoValue, ModelError, "input {} is absent", i);
  return shape(id);
}

DimShape Raiser::shape(ValueId id) {
  if (!out_.graph.value(id).shape) infer_shapes(out_.graph, integers_, ops_);
  return *out_.graph.value(id).shape;
}

std::optional<DimShape> Raiser::contents(const Node& node, size_t i) {
  if (is_constant(node, i)) {
    const Tensor* list = constant(node, i);
    if (!list) return std::nullopt;
    const auto values = list->to_ints();
    return DimShape(values.begin(), values.end());
  }
  const ValueId id = input(node, i);
  const auto all = infer_contents(out_.graph, integers_, ops_);
  const auto found = all.find(id);
  PARE_CHECK(found != all.end(), ModelError, "input {} (\"{}\") must be a constant or computed from shapes", i,
             node.inputs[i]);
  return found->second;
}

std::optional<std::vector<int64_t>> Raiser::integers(const Node& node, size_t i) {
  if (is_constant(node, i)) {
    const Tensor* list = constant(node, i);
    if (!list) return std::nullopt;
    PARE_CHECK(list->dtype() == DType::kI64 || list->dtype() == DType::kI32, ModelError, "expected integers, got {}",
               list->dtype());
    return list->to_ints();
  }
  const auto known = contents(node, i);
  std::vector<int64_t> out;
  for (const Dim& dim : *known) {
    PARE_CHECK(dim.is_constant(), ModelError, "input {} (\"{}\") must be a constant, got {}", i, node.inputs[i], dim);
    out.push_back(dim.value());
  }
  return out;
}

DType Raiser::dtype(const Node& node, size_t i) {
  if (node.has_input(i) && is_constant(node, i)) return known_.at(node.inputs[i]).dtype;
  shape(node, i);
  return out_.graph.value(input(node, i)).dtype;
}

bool Raiser::wants(const Node& node, size_t i) const {
  return i < node.outputs.size() && !node.outputs[i].empty() && used_.count(node.outputs[i]);
}

Attrs Raiser::attrs(const Node& node, const std::string& op) const {
  Attrs out;
  for (const auto& spec : ops_.get(op).attrs) {
    const auto found = node.attrs.find(spec.name);
    if (found == node.attrs.end()) continue;
    std::visit([&](const auto& value) {
      using T = std::decay_t<decltype(value)>;
      if constexpr (!std::is_same_v<T, Tensor> && !std::is_same_v<T, Subgraph>) {
        const bool empty_list = spec.type == AttrType::kFloats && std::is_same_v<T, std::vector<int64_t>>;
        if (!empty_list) out.set(spec.name, value);
      } else {
        throw ModelError(fmt("attribute \"{}\" has the wrong type", spec.name));
      }
    }, found->second);
  }
  return out;
}

std::string Raiser::node_name(const Node& source) const {
  const std::string& wanted = source.name.empty() ? source.outputs.at(0) : source.name;
  return out_.graph.free_name(wanted);
}

void Raiser::add(const Node& source, const std::string& op, std::vector<ValueId> inputs, Attrs attrs, int outputs) {
  for (size_t i = static_cast<size_t>(outputs); i < source.outputs.size(); ++i)
    PARE_CHECK(!wants(source, i) || values_.count(source.outputs[i]), ModelError, "its output {} is not supported", i);
  PARE_CHECK(source.outputs.size() >= static_cast<size_t>(outputs), ModelError, "expected {} outputs, got {}", outputs,
             source.outputs.size());
  const NodeId id = out_.graph.add_node(op, node_name(source), std::move(inputs), std::move(attrs), outputs);
  for (int i = 0; i < outputs; ++i) {
    const std::string& name = source.outputs[static_cast<size_t>(i)];
    if (!name.empty()) values_[name] = out_.graph.node(id).outputs[static_cast<size_t>(i)];
  }
}

ValueId Raiser::step(const Node& source, const std::string& op, std::vector<ValueId> inputs, Attrs attrs) {
  return out_.graph.add(op, out_.graph.free_name(node_name(source) + "/" + op), std::move(inputs), std::move(attrs));
}

void Raiser::set_constant(const Node& node, EncodedTensor encoded) {
  known_.emplace(node.outputs.at(0), std::move(encoded));
}

ValueId Raiser::literal(const Node& node, const std::string& what, const Tensor& tensor) {
  const std::string name = out_.graph.free_name(node_name(node) + ":" + what);
  out_.constants.emplace(name, encode_raw(tensor));
  return out_.graph.add_constant(name, Role::kLiteral, tensor.dtype(), tensor.shape());
}

void Raiser::refuse(const Node& node, const std::string& reason) {
  refused_.push_back(fmt("\"{}\" ({}{}{}): {}",
                         node.name.empty() && !node.outputs.empty() ? node.outputs[0] : node.name, node.domain,
                         node.domain.empty() ? "" : ".", node.op, bare(reason)));
  lost_.insert(node.outputs.begin(), node.outputs.end());
}

void Raiser::raise(const Node& node) {
  const Rule rule = node.domain.empty() ? find_rule(node.op) : nullptr;
  if (!rule) return refuse(node, "the operator is not supported");
  bool depends_on_lost = false;
  for (const auto& name : node.inputs) depends_on_lost = depends_on_lost || (!name.empty() && lost_.count(name));
  if (depends_on_lost) {  // cannot be judged
    lost_.insert(node.outputs.begin(), node.outputs.end());
    return;
  }
  try {
    PARE_CHECK(!node.outputs.empty() && !node.outputs[0].empty(), ModelError, "it has no output");
    for (const auto& name : node.outputs)
      PARE_CHECK(name.empty() || (!values_.count(name) && !known_.count(name)), ModelError,
                 "its output \"{}\" exists already", name);
    rule(*this, node);
  } catch (const ModelError& error) {
    refuse(node, error.what());
  }
}

// What trains: floats that layers read. Statistics, scales and everything else stay as they are.
void Raiser::set_roles() {
  Graph& graph = out_.graph;
  for (NodeId id : graph.order()) {
    const pare::Node& node = graph.node(id);
    const bool quant = node.op == "QuantizeLinear" || node.op == "DequantizeLinear";
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == kNoValue) continue;
      Value& value = graph.value(node.inputs[i]);
      if (!value.is_constant() || !is_float(value.dtype)) continue;
      const bool statistics = node.op == "BatchNormalization" && i >= 3;
      if (statistics || (quant && i > 0)) value.role = Role::kBuffer;
      else if (value.role == Role::kLiteral && !value.shape->empty()) value.role = Role::kParameter;
    }
  }
}

// Outputs keep the file's names, as callers know them.
void Raiser::rename_outputs() {
  Graph& graph = out_.graph;
  std::vector<ValueId> outputs;
  for (const auto& info : model_.outputs) {
    if (!values_.count(info.name) && known_.count(info.name))
      values_[info.name] = graph.add("Identity", graph.free_name(info.name + "/Identity"), {constant_value(info.name)});
    const auto found = values_.find(info.name);
    PARE_CHECK(found != values_.end(), ModelError, "[onnx {}] expected the output \"{}\" to be computed", where_,
               info.name);
    const ValueId id = is_half(info.dtype) ? cast_to(graph, info.name, found->second, info.dtype) : found->second;
    outputs.push_back(id);
    const Value& value = graph.value(id);
    if (value.role == Role::kActivation && value.name != info.name && graph.find_value(info.name) == kNoValue)
      graph.rename_value(id, info.name);
  }
  PARE_CHECK(!outputs.empty(), ModelError, "[onnx {}] expected at least one output", where_);
  graph.set_outputs(std::move(outputs));
}

FrozenModel Raiser::finish() {
  add_inputs();
  for (const auto& node : model_.nodes) raise(node);
  PARE_CHECK(refused_.empty(), ModelError, "[onnx {}] {} of {} nodes cannot be represented: {}", where_,
             refused_.size(), model_.nodes.size(), join(refused_, "; "));
  rename_outputs();
  set_roles();
  const ConstantStore constants = decode_constants(out_);
  infer_shapes(out_.graph, constants, ops_);
  verify(out_.graph, constants, ops_);
  return std::move(out_);
}

}  // namespace pare::onnx
