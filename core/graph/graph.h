#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "core/base/tensor.h"
#include "core/graph/dim.h"

namespace pare {

using ValueId = int32_t;
using NodeId = int32_t;
inline constexpr ValueId kNoValue = -1;
inline constexpr NodeId kNoNode = -1;

/// An operator attribute. Constant axes, shapes, starts and clip bounds are attributes, never inputs.
using Attr = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>>;

/// Attributes of a node by name, with typed access. Missing required attributes and wrong types throw ModelError.
class Attrs {
 public:
  Attrs() = default;
  Attrs(std::initializer_list<std::pair<const std::string, Attr>> init) : map_(init) {}
  bool has(const std::string& name) const { return map_.count(name) != 0; }
  void set(const std::string& name, Attr value) { map_[name] = std::move(value); }
  void erase(const std::string& name) { map_.erase(name); }
  int64_t integer(const std::string& name) const;
  int64_t integer(const std::string& name, int64_t fallback) const;
  double number(const std::string& name) const;
  double number(const std::string& name, double fallback) const;
  std::string text(const std::string& name, const std::string& fallback) const;
  std::vector<int64_t> integers(const std::string& name) const;
  std::vector<int64_t> integers(const std::string& name, const std::vector<int64_t>& fallback) const;
  std::vector<double> numbers(const std::string& name) const;
  const std::map<std::string, Attr>& map() const { return map_; }
  bool operator==(const Attrs&) const = default;

 private:
  std::map<std::string, Attr> map_;
};

/// What a value is. Parameters are trained; buffers are state (running statistics); literals come from the exporter.
enum class Role : uint8_t { kInput, kActivation, kParameter, kBuffer, kLiteral };
const char* name_of(Role role);

struct Value {
  ValueId id = kNoValue;
  std::string name;               ///< unique in the graph; of a constant also its key in the ConstantStore
  Role role = Role::kActivation;
  DType dtype = DType::kF32;
  std::optional<DimShape> shape;  ///< unknown before inference
  NodeId producer = kNoNode;

  bool is_constant() const { return role == Role::kParameter || role == Role::kBuffer || role == Role::kLiteral; }
};

struct Node {
  NodeId id = kNoNode;
  std::string name;              ///< unique in the graph, e.g. "layer1.0.conv1"
  std::string op;                ///< ONNX operator name, or "pare.plan.X" inside an execution plan
  std::vector<ValueId> inputs;   ///< kNoValue marks an absent optional input
  std::vector<ValueId> outputs;
  Attrs attrs;
};

/// A typed directed acyclic graph with ONNX (opset 21) operator semantics: the only source of structure.
/// Nodes are kept in topological order. Ids are stable: they are never reused.
class Graph {
 public:
  std::string name = "model";

  ValueId add_input(const std::string& name, DType dtype, DimShape shape);
  ValueId add_constant(const std::string& name, Role role, DType dtype, const Shape& shape);
  /// Appends a node behind all others; output values are created, named `<name>` or `<name>:<i>` for several.
  NodeId add_node(const std::string& op, const std::string& name, std::vector<ValueId> inputs, Attrs attrs = {},
                  int outputs = 1);
  /// The same with the output values' own names (readers of files).
  NodeId add_node_named(const std::string& op, const std::string& name, std::vector<ValueId> inputs, Attrs attrs,
                        const std::vector<std::string>& output_names);
  /// The same, returning the first output.
  ValueId add(const std::string& op, const std::string& name, std::vector<ValueId> inputs, Attrs attrs = {});
  /// Moves a node directly before another one in the order.
  void move_before(NodeId node, NodeId before);
  void set_outputs(std::vector<ValueId> outputs) { outputs_ = std::move(outputs); }

  const std::vector<ValueId>& inputs() const { return inputs_; }
  const std::vector<ValueId>& outputs() const { return outputs_; }
  /// Live node ids in topological order.
  const std::vector<NodeId>& order() const { return order_; }
  const Node& node(NodeId id) const;
  Node& node(NodeId id);
  const Value& value(ValueId id) const;
  Value& value(ValueId id);
  bool has_node(NodeId id) const { return nodes_.count(id) != 0; }
  /// All live values, ascending id.
  std::vector<ValueId> values() const;
  /// kNoValue / kNoNode when absent.
  ValueId find_value(const std::string& name) const;
  NodeId find_node(const std::string& name) const;
  /// Renames a value (and so the constant's key); the new name must be free.
  void rename_value(ValueId id, const std::string& name);
  /// A free name starting with `base`.
  std::string free_name(const std::string& base) const;

  /// Nodes that read a value, in order, one entry a use; a full scan, see `UseIndex` for many queries.
  std::vector<NodeId> users(ValueId id) const;
  bool is_output(ValueId id) const;
  /// Every use of `from` (graph outputs included) becomes a use of `to`.
  void replace_uses(ValueId from, ValueId to);
  /// Removes a node and its outputs; they must have no users left.
  void erase_node(NodeId id);
  /// Removes constants that nothing reads; their tensors stay in the ConstantStore until the caller drops them.
  void erase_unused_constants();

  /// Throws ModelError unless names are unique, edges exist, the order is topological and outputs are produced.
  void verify_structure() const;

 private:
  std::map<NodeId, Node> nodes_;
  std::map<ValueId, Value> values_;
  std::unordered_map<std::string, ValueId> value_names_;
  std::unordered_map<std::string, NodeId> node_names_;
  std::vector<NodeId> order_;
  std::vector<ValueId> inputs_, outputs_;
  NodeId next_node_ = 0;
  ValueId next_value_ = 0;
  ValueId new_value(const std::string& name, Role role, DType dtype);
  size_t position(NodeId id) const;
};

/// value -> reading nodes, built once for a graph that does not change meanwhile.
class UseIndex {
 public:
  explicit UseIndex(const Graph& graph);
  const std::vector<NodeId>& users(ValueId id) const;

 private:
  std::unordered_map<ValueId, std::vector<NodeId>> users_;
  std::vector<NodeId> none_;
};

/// Tensors of a graph by name, as handles: a trained model lends its own without copy.
class ConstantStore {
 public:
  void set(const std::string& name, Tensor tensor) { map_[name] = std::move(tensor); }
  bool has(const std::string& name) const { return map_.count(name) != 0; }
  /// Throws ModelError with the nearest names when absent.
  const Tensor& get(const std::string& name) const;
  void erase(const std::string& name) { map_.erase(name); }
  const std::map<std::string, Tensor>& map() const { return map_; }

 private:
  std::map<std::string, Tensor> map_;
};

/// A graph together with its constants: what importers, zoo builders and surgery hand over.
struct GraphWithConstants {
  Graph graph;
  ConstantStore constants;
};

}  // namespace pare
