#include "core/graph/graph.h"

#include <algorithm>
#include <set>
#include <utility>

namespace pare {

const char* name_of(Role role) {
  static constexpr const char* kNames[] = {"input", "activation", "parameter", "buffer", "literal"};
  return kNames[static_cast<size_t>(role)];
}

ValueId Graph::new_value(const std::string& name, Role role, DType dtype) {
  PARE_CHECK(!name.empty(), ModelError, "[graph] expected a name for every value, got none");
  PARE_CHECK(value_names_.emplace(name, next_value_).second, ModelError,
             "[graph] expected unique value names, got \"{}\" twice", name);
  Value value;
  value.id = next_value_;
  value.name = name;
  value.role = role;
  value.dtype = dtype;
  values_.emplace(next_value_, std::move(value));
  return next_value_++;
}

ValueId Graph::add_input(const std::string& name, DType dtype, DimShape shape) {
  const ValueId id = new_value(name, Role::kInput, dtype);
  values_.at(id).shape = std::move(shape);
  inputs_.push_back(id);
  return id;
}

ValueId Graph::add_constant(const std::string& name, Role role, DType dtype, const Shape& shape) {
  PARE_CHECK(role == Role::kParameter || role == Role::kBuffer || role == Role::kLiteral, ModelError,
             "[graph] expected a constant's role for \"{}\", got {}", name, name_of(role));
  const ValueId id = new_value(name, role, dtype);
  values_.at(id).shape = to_dims(shape);
  return id;
}

NodeId Graph::add_node_named(const std::string& op, const std::string& name, std::vector<ValueId> inputs, Attrs attrs,
                             const std::vector<std::string>& output_names) {
  PARE_CHECK(!name.empty(), ModelError, "[graph] expected a name for every node, got none ({})", op);
  PARE_CHECK(!output_names.empty(), ModelError, "[graph] expected at least one output of node \"{}\"", name);
  for (ValueId id : inputs)
    PARE_CHECK(id == kNoValue || values_.count(id), ModelError, "[graph] node \"{}\" reads the unknown value {}", name, id);
  std::set<std::string> fresh;
  for (const auto& output : output_names)
    PARE_CHECK(!value_names_.count(output) && fresh.insert(output).second, ModelError,
               "[graph] expected unique value names, got \"{}\" twice (output of node \"{}\")", output, name);
  PARE_CHECK(node_names_.emplace(name, next_node_).second, ModelError,
             "[graph] expected unique node names, got \"{}\" twice", name);
  Node node;
  node.id = next_node_++;
  node.name = name;
  node.op = op;
  node.inputs = std::move(inputs);
  node.attrs = std::move(attrs);
  for (const auto& output : output_names) {
    const ValueId id = new_value(output, Role::kActivation, DType::kF32);
    values_.at(id).producer = node.id;
    node.outputs.push_back(id);
  }
  order_.push_back(node.id);
  const NodeId id = node.id;
  nodes_.emplace(id, std::move(node));
  return id;
}

NodeId Graph::add_node(const std::string& op, const std::string& name, std::vector<ValueId> inputs, Attrs attrs,
                       int outputs) {
  std::vector<std::string> names;
  for (int i = 0; i < outputs; ++i) names.push_back(outputs == 1 ? name : fmt("{}:{}", name, i));
  return add_node_named(op, name, std::move(inputs), std::move(attrs), names);
}

ValueId Graph::add(const std::string& op, const std::string& name, std::vector<ValueId> inputs, Attrs attrs) {
  return node(add_node(op, name, std::move(inputs), std::move(attrs))).outputs[0];
}

size_t Graph::position(NodeId id) const {
  const auto it = std::find(order_.begin(), order_.end(), id);
  PARE_CHECK(it != order_.end(), ModelError, "[graph] no node {}", id);
  return static_cast<size_t>(it - order_.begin());
}

void Graph::move_before(NodeId node, NodeId before) {
  if (node == before) return;
  order_.erase(order_.begin() + static_cast<std::ptrdiff_t>(position(node)));
  order_.insert(order_.begin() + static_cast<std::ptrdiff_t>(position(before)), node);
}

const Node& Graph::node(NodeId id) const {
  const auto it = nodes_.find(id);
  PARE_CHECK(it != nodes_.end(), ModelError, "[graph] no node {}", id);
  return it->second;
}

Node& Graph::node(NodeId id) { return const_cast<Node&>(std::as_const(*this).node(id)); }

const Value& Graph::value(ValueId id) const {
  const auto it = values_.find(id);
  PARE_CHECK(it != values_.end(), ModelError, "[graph] no value {}", id);
  return it->second;
}

Value& Graph::value(ValueId id) { return const_cast<Value&>(std::as_const(*this).value(id)); }

std::vector<ValueId> Graph::values() const {
  std::vector<ValueId> out;
  for (const auto& entry : values_) out.push_back(entry.first);
  return out;
}

ValueId Graph::find_value(const std::string& name) const {
  const auto it = value_names_.find(name);
  return it == value_names_.end() ? kNoValue : it->second;
}

NodeId Graph::find_node(const std::string& name) const {
  const auto it = node_names_.find(name);
  return it == node_names_.end() ? kNoNode : it->second;
}

void Graph::rename_value(ValueId id, const std::string& name) {
  Value& target = value(id);
  if (target.name == name) return;
  PARE_CHECK(!name.empty() && value_names_.emplace(name, id).second, ModelError,
             "[graph] cannot rename \"{}\": the name \"{}\" is taken or empty", target.name, name);
  value_names_.erase(target.name);
  target.name = name;
}

std::string Graph::free_name(const std::string& base) const {
  const auto taken = [this](const std::string& name) { return value_names_.count(name) || node_names_.count(name); };
  if (!taken(base)) return base;
  for (int i = 1;; ++i) {
    std::string name = fmt("{}_{}", base, i);
    if (!taken(name)) return name;
  }
}

std::vector<NodeId> Graph::users(ValueId id) const {
  std::vector<NodeId> out;
  for (NodeId n : order_)
    for (ValueId input : nodes_.at(n).inputs)
      if (input == id) out.push_back(n);
  return out;
}

bool Graph::is_output(ValueId id) const { return std::find(outputs_.begin(), outputs_.end(), id) != outputs_.end(); }

void Graph::replace_uses(ValueId from, ValueId to) {
  for (auto& entry : nodes_) std::replace(entry.second.inputs.begin(), entry.second.inputs.end(), from, to);
  std::replace(outputs_.begin(), outputs_.end(), from, to);
}

void Graph::erase_node(NodeId id) {
  const Node& gone = node(id);
  for (ValueId output : gone.outputs)
    PARE_CHECK(users(output).empty() && !is_output(output), ModelError,
               "[graph] cannot remove node \"{}\": its output is still used", gone.name);
  for (ValueId output : gone.outputs) {
    value_names_.erase(values_.at(output).name);
    values_.erase(output);
  }
  order_.erase(order_.begin() + static_cast<std::ptrdiff_t>(position(id)));
  node_names_.erase(gone.name);
  nodes_.erase(id);
}

void Graph::erase_unused_constants() {
  const UseIndex uses(*this);
  for (ValueId id : values()) {
    if (!values_.at(id).is_constant() || !uses.users(id).empty() || is_output(id)) continue;
    value_names_.erase(values_.at(id).name);
    values_.erase(id);
  }
}

void Graph::verify_structure() const {
  std::set<ValueId> known;
  for (const auto& [id, v] : values_) {
    const auto named = value_names_.find(v.name);
    PARE_CHECK(named != value_names_.end() && named->second == id, ModelError,
               "[graph] value {} is not found under its name \"{}\". Use rename_value", id, v.name);
    PARE_CHECK((v.role == Role::kActivation) == (v.producer != kNoNode), ModelError,
               "[graph] expected a producer of activations alone, got role {} of \"{}\"", name_of(v.role), v.name);
    if (v.role != Role::kActivation) known.insert(id);
  }
  for (ValueId id : inputs_)
    PARE_CHECK(value(id).role == Role::kInput, ModelError, "[graph] input \"{}\" has role {}", value(id).name,
               name_of(value(id).role));
  PARE_CHECK(order_.size() == nodes_.size(), InternalError, "[graph] {} nodes but {} places in the order", nodes_.size(),
             order_.size());
  for (NodeId n : order_) {
    const Node& current = node(n);
    for (ValueId id : current.inputs)
      PARE_CHECK(id == kNoValue || known.count(id), ModelError,
                 "[graph] node \"{}\" reads {} before it is produced", current.name,
                 values_.count(id) ? '"' + values_.at(id).name + '"' : fmt("the unknown value {}", id));
    for (ValueId id : current.outputs)
      PARE_CHECK(value(id).producer == n && known.insert(id).second, ModelError,
                 "[graph] output \"{}\" of node \"{}\" has another producer", value(id).name, current.name);
  }
  PARE_CHECK(known.size() == values_.size(), ModelError, "[graph] {} values have no producer in the order",
             values_.size() - known.size());
  PARE_CHECK(!outputs_.empty(), ModelError, "[graph] \"{}\" has no outputs", name);
  for (ValueId id : outputs_) PARE_CHECK(known.count(id), ModelError, "[graph] output {} does not exist", id);
}

UseIndex::UseIndex(const Graph& graph) {
  for (NodeId n : graph.order())
    for (ValueId id : graph.node(n).inputs)
      if (id != kNoValue) users_[id].push_back(n);
}

const std::vector<NodeId>& UseIndex::users(ValueId id) const {
  const auto it = users_.find(id);
  return it == users_.end() ? none_ : it->second;
}

const Tensor& ConstantStore::get(const std::string& name) const {
  const auto it = map_.find(name);
  if (it != map_.end()) return it->second;
  std::vector<std::string> names;
  for (const auto& entry : map_) names.push_back(entry.first);
  throw ModelError(fmt("[constants] no tensor \"{}\".{}", name, did_you_mean(name, names)));
}

}  // namespace pare
